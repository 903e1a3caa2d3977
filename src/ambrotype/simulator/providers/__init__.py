"""The providers' protocols, each as its vendor speaks it: one file a protocol.

A job is a row in the `book`, opened with a `plan` that says what becomes of it. Where it stands follows from the clock
alone, so that a thousand jobs in flight cost nothing between two questions. A `desk` is what the protocols have in
common: keys, faults of single answers, counting. The `courier` brings webhooks, `outputs` says what a job made.
"""
