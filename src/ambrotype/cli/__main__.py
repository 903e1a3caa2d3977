"""`python -m ambrotype.cli`. The guard matters: the API's processes are spawned, and import this file anew."""

from ambrotype import cli

if __name__ == "__main__":
    cli.main()
