"""`ambrotype work` with leases as short as a test wants: `python -m tests.chaos.hasty LEASE BEAT`, in seconds."""

import sys

from ambrotype import cli
from ambrotype.capture import worker
from ambrotype.generations import following

if __name__ == "__main__":
    worker.LEASE, worker.BEAT = float(sys.argv[1]), float(sys.argv[2])
    following.LEASE, following.BEAT = worker.LEASE, worker.BEAT
    sys.argv[1:] = ["work", "--with-parent"]
    cli.main()
