"""Nouns and rules, no I/O: what a media item is, how it may change, what its errors are called."""
