"""From a URL that dies to bytes that stay: accept → claim → fetch → verify → store → record, in reading order.

`accept.py` writes the promise and answers at once. `worker.py` claims promises by deadline and gives each to
`pipeline.py`, which is the way of the bytes; `network.py` says which addresses may be reached.
"""
