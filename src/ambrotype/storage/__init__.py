"""Bytes and keys. A store puts, opens, heads, deletes and lists; it knows nothing of media, owners or URLs.

`contract.py` says what a store owes, `local.py` keeps files on a disk, `s3.py` objects in any S3-compatible store.
Nothing is visible under a key before all of its bytes are durable.
"""
