"""Speed and memory of a real `ambrotype serve`, each against a baseline that is measured in the same run.

`python -m bench` does everything, `python -m bench capture delivery` those two parts. Absolute figures move from run
to run and from machine to machine; ratios hold. Everything runs on loopback; what is started is ended.
"""
