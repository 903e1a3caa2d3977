"""A server's children wait until it has prepared."""

import subprocess
import sys
from pathlib import Path

from ambrotype.cli import gate

CHILD = "import sys, pathlib; from ambrotype.cli import gate; gate.passed(pathlib.Path(sys.argv[1])); print('through')"


def _child(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", CHILD, str(folder)], stdout=subprocess.PIPE, text=True)


def test_a_child_goes_on_when_the_gate_opens(tmp_path: Path) -> None:
    with gate.closed(tmp_path) as shut:
        child = _child(tmp_path)
        shut.open()
        assert child.communicate(timeout=60)[0] == "through\n"
    with _child(tmp_path) as later:  # one that is started again
        assert later.communicate(timeout=60)[0] == "through\n"


def test_a_start_that_failed_holds_nobody_back(tmp_path: Path) -> None:
    with gate.closed(tmp_path):
        held = _child(tmp_path)
        held.terminate()  # as a parent does whose start fails
        assert held.communicate(timeout=60)[0] == ""
    with _child(tmp_path) as another:  # of a server that runs on the same folder
        assert another.communicate(timeout=60)[0] == "through\n"
