"""What a kept file says of its making, and what it looks like: read in the child, bounded, as plain values.

`embedded.py` collects the texts that generators and cameras leave (`png.py`, `jpeg.py`, `riff.py`, `boxes.py`,
`tags.py`, `stealth.py`; `exif.py` and `iptc.py` read the blocks that several containers hold). `look.py` decodes
pixels once, small, for
`thumbhash.py` and `likeness.py`. `credentials.py` asks the C2PA library. Nothing here understands a text: that is
`core/recipes`, outside of the child.
"""
