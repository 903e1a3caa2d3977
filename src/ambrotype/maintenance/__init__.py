"""Keeping the house in order. What is swept is exactly what `sweep.py` lists; kept items are not in it."""
