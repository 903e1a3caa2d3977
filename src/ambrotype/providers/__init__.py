"""A provider's words in, ours out: one file each, and no I/O. `contract` says what an adapter owes."""
