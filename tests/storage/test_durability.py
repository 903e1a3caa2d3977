"""The order in which the local store asks the kernel for things: what a power cut would otherwise show."""

import dataclasses
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHILD = Path(__file__).with_name("writing.py")
CALLS = "write,fsync,fdatasync,rename,renameat,renameat2,mkdir,mkdirat"
_LINE = re.compile(r"^\d+ +(?P<text>.*)$")
_BEGUN = re.compile(r"^(?P<name>\w+)\((?P<rest>.*) <unfinished \.\.\.>$")
_RESUMED = re.compile(r"^<\.\.\. (?P<name>\w+) resumed>(?P<rest>.*)$")
_WHOLE = re.compile(r"^(?P<name>\w+)\((?P<rest>.*)$")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Call:
    """A system call that succeeded, with the lines of the trace at which it began and ended."""

    name: str
    arguments: str
    began: int
    ended: int

    @property
    def paths(self) -> list[str]:
        """What its descriptors refer to."""
        return re.findall(r"\d+<([^>]*)>", self.arguments)

    @property
    def strings(self) -> list[str]:
        return re.findall(r'"([^"]*)"', self.arguments)


def parse(trace: str) -> list[Call]:
    calls: list[Call] = []
    waiting: dict[str, tuple[int, str]] = {}
    for number, line in enumerate(trace.splitlines()):
        process, _, _ = line.partition(" ")
        found = _LINE.match(line)
        if found is None:
            continue
        text = found["text"]
        if begun := _BEGUN.match(text):
            waiting[process] = (number, begun["rest"])
            continue
        began, before = number, ""
        whole = _RESUMED.match(text)
        if whole:
            began, before = waiting.pop(process)
        else:
            whole = _WHOLE.match(text)
        if whole and not re.search(r"= -1 ", whole["rest"]):
            calls.append(Call(name=whole["name"], arguments=before + whole["rest"], began=began, ended=number))
    return calls


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def calls(root: Path, tmp_path: Path) -> list[Call]:
    if shutil.which("strace") is None:
        sentence = "The order of system calls can't be watched: strace not found; run tests/tools.sh as root."
        if os.environ.get("CI"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    log = tmp_path / "trace"
    command = ["strace", "-f", "-y", "-s", "200", "-e", f"trace={CALLS}", "-o", str(log)]
    run = subprocess.run(
        [*command, sys.executable, str(CHILD), str(root), "publish"], capture_output=True, text=True, check=False
    )
    if "Operation not permitted" in run.stderr:
        pytest.skip("The order of system calls can't be watched: this machine does not allow ptrace.")
    assert run.returncode == 0, run.stderr
    return parse(log.read_text())


def flushes(calls: list[Call], path: str) -> list[Call]:
    return [call for call in calls if call.name in {"fsync", "fdatasync"} and call.paths == [path]]


def the_rename(calls: list[Call]) -> Call:
    [rename] = [call for call in calls if call.name.startswith("rename") and "one.png" in call.strings]
    return rename


def published(calls: list[Call]) -> Call:
    [said] = [call for call in calls if call.name == "write" and "published" in call.arguments]
    return said


def test_the_bytes_are_flushed_before_the_file_gets_its_name(calls: list[Call], root: Path) -> None:
    rename = the_rename(calls)
    draft = f"{rename.paths[0]}/{rename.strings[0]}"
    assert draft.startswith(f"{root}/.tmp/")
    writes = [call for call in calls if call.name == "write" and call.paths == [draft]]
    assert writes
    last = max(call.ended for call in writes)
    assert any(last < flush.began and flush.ended < rename.began for flush in flushes(calls, draft))


def test_the_folder_is_flushed_before_publish_returns(calls: list[Call], root: Path) -> None:
    rename = the_rename(calls)
    folder = rename.paths[1]
    assert folder == f"{root}/media/generated/owner/images"
    end = published(calls).began
    assert any(rename.ended < flush.began and flush.ended < end for flush in flushes(calls, folder))


def test_each_new_folder_is_flushed_into_the_one_above(calls: list[Call], root: Path) -> None:
    end = published(calls).began
    made = [call for call in calls if call.name.startswith("mkdir")]
    new = {Path(*call.paths[:1], call.strings[0]): call for call in made}
    folders = ["", ".tmp", "media", "media/generated", "media/generated/owner", "media/generated/owner/images"]
    assert set(new) == {root / folder for folder in folders}
    for folder, call in new.items():
        above = flushes(calls, str(folder.parent))
        assert any(call.ended < flush.began and flush.ended < end for flush in above), folder
