"""Reading foreign bytes where they can hurt nothing: in child processes that can do nothing else.

`decoder.py` hands a file, as an open descriptor, to one of a few persistent children (`process.py`) and
gets facts (`facts.py`) or a true reason why there are none. In the child, `child.py` imports the decoders,
`sandbox.py` and `seccomp.py` take every right away that decoding does not need, and only then is the first
foreign byte read, by one of `operations.py`. A crash, a bomb or a hang of a decoder costs that child, and
is told of that file alone.
"""
