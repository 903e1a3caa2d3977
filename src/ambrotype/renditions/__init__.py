"""Renditions: what is derived from kept originals, and can be made again at any time.

`rendering.Rendering` answers a wish: the file if it is there, else it is made once, however many ask at the same moment and
in whichever processes, by a claim on its row (`records/renditions.py`). `making` does it: original → limited child → store →
row. `working.Working` is the worker's share: videos, and what could not be made at once. `sweeping` lets go of what nobody
uses. What there is to wish for is in `core/renditions.py`; who may see it is decided before, by `delivery`.
"""
