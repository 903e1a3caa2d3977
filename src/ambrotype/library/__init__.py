"""What is there, and changes to it: one item, lists of them, what is at risk, what happened."""
