"""The store on a local disk: the contract, and what only a disk can get wrong."""

import asyncio
import os
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from ambrotype.core import errors
from ambrotype.storage import contract as seam
from ambrotype.storage import local, local_tree
from tests.storage import contract

KEY = contract.KEY
CHILD = Path(__file__).with_name("writing.py")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="Only root can mount a small disk to fill.")


class LocalSubject:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.store: seam.Store = local.Local(root, min_free=0)

    async def leftovers(self) -> int:
        return len(list((self.root / local_tree.DRAFTS).glob("*")))

    async def die(self) -> None:
        """As when a disk is unmounted: what remains is an empty folder."""
        self.root.rename(self.root.with_name("elsewhere"))
        self.root.mkdir()

    async def revive(self) -> None:
        assert list(self.root.iterdir()) == [], "something was written to the empty mount point"
        self.root.rmdir()
        self.root.with_name("elsewhere").rename(self.root)


class TestContract(contract.StoreContract):
    @pytest.fixture
    async def subject(self, tmp_path: Path) -> AsyncIterator[LocalSubject]:
        subject = LocalSubject(tmp_path / "store")
        await subject.store.check()
        yield subject
        await subject.store.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
async def store(root: Path) -> AsyncIterator[local.Local]:
    store = local.Local(root, min_free=0)
    yield store
    await store.close()


@pytest.fixture
def small_disk(root: Path) -> Iterator[Path]:
    """A disk of 4 MiB."""
    root.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", root], check=False, capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"No disk can be mounted here: {mounted.stderr.strip()}")
    yield root
    system("umount", root)


def system(*command: str | Path) -> None:
    subprocess.run(command, check=True)


def forbid(root: Path) -> None:
    root.mkdir(mode=0o500)


def names(folder: Path | str) -> list[str]:
    return sorted(os.listdir(folder))


def start_writer(root: Path) -> subprocess.Popen[bytes]:
    """A process in the middle of a write."""
    child = subprocess.Popen([sys.executable, CHILD, root, "hold"], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    return child


def test_the_powers_of_a_disk(root: Path) -> None:
    store = local.Local(root, min_free=0)
    assert isinstance(store, seam.OnDisk)
    assert not isinstance(store, seam.Presigns)
    assert store.path(KEY) == root / "media" / KEY.path


async def test_files_lie_where_path_says(store: local.Local) -> None:
    await contract.put(store, KEY, b"fox")
    assert store.path(KEY).read_bytes() == b"fox"
    assert stat.S_IMODE(store.path(KEY).stat().st_mode) & 0o007 == 0


async def test_sealed_bytes_can_be_looked_at_before_they_are_published(store: local.Local) -> None:
    writer = await store.create(KEY, content_type="image/png")
    await writer.write(b"fox")
    await writer.seal()
    assert writer.file.read_bytes() == b"fox"
    await writer.publish()
    assert not writer.file.exists()


@pytest.mark.parametrize("kind", ["folder", "file", "bucket"])
async def test_no_symbolic_link_is_followed(store: local.Local, root: Path, kind: str) -> None:
    await store.check()
    outside = root.parent / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    (root / "media").mkdir()
    bucket, path, link, target = {
        "folder": ("media", "link/secret", root / "media" / "link", outside),
        "file": ("media", "link", root / "media" / "link", outside / "secret"),
        "bucket": ("link", "secret", root / "link", outside),
    }[kind]
    link.symlink_to(target)
    key = seam.Key(bucket, path)
    for call in (contract.read(store, key), store.head(key), store.delete(key)):
        with pytest.raises(errors.InvalidRequest, match="symbolic link"):
            await call
    with pytest.raises(errors.InvalidRequest, match="symbolic link"):
        store.path(key)
    if kind != "file":
        with pytest.raises(errors.InvalidRequest, match="symbolic link"):
            await contract.put(store, key, b"overwritten")
    assert await contract.listed(store, "media") == set()
    assert (outside / "secret").read_text() == "secret"
    assert len(list(outside.iterdir())) == 1


async def test_a_file_can_not_be_a_folder_too(store: local.Local) -> None:
    await contract.put(store, seam.Key("media", "a"), b"x")
    await contract.put(store, seam.Key("media", "b/c"), b"x")
    for path in ("a/b", "b"):
        with pytest.raises(errors.InvalidRequest, match="choose another path"):
            await contract.put(store, seam.Key("media", path), b"y")
    assert await store.head(seam.Key("media", "a/b")) is None
    assert await store.head(seam.Key("media", "b")) is None


async def test_a_folder_that_was_removed_is_made_again(store: local.Local, root: Path) -> None:
    await contract.put(store, KEY, b"x")
    shutil.rmtree(root / "media")
    await contract.put(store, KEY, b"y")
    assert await contract.read(store, KEY) == b"y"


async def test_check_names_the_setting_the_folder_and_the_bytes(root: Path) -> None:
    store = local.Local(root, min_free=1 << 60)
    with pytest.raises(errors.StoreUnavailable, match=rf"{root} has \d+ bytes free.*AMBROTYPE_MIN_FREE=\d+"):
        await store.check()
    await store.close()


async def test_no_write_takes_the_disk_below_the_bytes_to_leave_free(root: Path) -> None:
    store = local.Local(root, min_free=1 << 60)
    with pytest.raises(errors.StoreUnavailable, match="AMBROTYPE_MIN_FREE"):
        await contract.put(store, KEY, b"x")
    await store.close()
    assert await LocalSubject(root).leftovers() == 0


@needs_root
async def test_a_full_disk_stores_nothing(store: local.Local, small_disk: Path) -> None:
    await contract.put(store, KEY, b"fits")
    writer = await store.create(seam.Key("media", "big"), content_type="video/mp4")
    with pytest.raises(errors.StoreUnavailable, match=f"disk of {small_disk} is full"):
        await writer.write(bytes(5 * contract.MIB))
    with pytest.raises(errors.StoreUnavailable, match="full"):
        await writer.seal()
    await writer.abort()
    assert await contract.listed(store, "media") == {KEY.path}
    await contract.put(store, seam.Key("media", "small"), bytes(contract.MIB))


@needs_root
async def test_a_read_only_disk_says_so(store: local.Local, small_disk: Path) -> None:
    await contract.put(store, KEY, b"x")
    system("mount", "-o", "remount,ro", small_disk)
    for call in (store.check(), contract.put(store, KEY, b"y"), store.delete(KEY)):
        with pytest.raises(errors.StoreUnavailable, match="read-only"):
            await call
    assert await contract.read(store, KEY) == b"x"


@pytest.mark.skipif(os.geteuid() == 0, reason="Root may write to every folder.")
async def test_a_folder_of_somebody_else_says_so(root: Path) -> None:
    forbid(root)
    store = local.Local(root, min_free=0)
    with pytest.raises(errors.StoreUnavailable, match="may not be used by this user"):
        await store.check()
    await store.close()


@needs_root
async def test_an_unmounted_disk_is_noticed_also_after_a_restart(small_disk: Path, tmp_path: Path) -> None:
    memory = tmp_path / "data" / "stores"
    first = local.Local(small_disk, min_free=0, memory=memory)
    await contract.put(first, KEY, b"x")
    await first.close()
    system("umount", small_disk)
    second = local.Local(small_disk, min_free=0, memory=memory)
    for call in (second.check(), second.head(KEY), contract.put(second, KEY, b"y")):
        with pytest.raises(errors.StoreUnavailable, match="mount its disk"):
            await call
    assert names(small_disk) == []
    await second.close()
    system("mount", "-t", "tmpfs", "tmpfs", small_disk)


async def test_sweep_takes_old_leftovers_only(store: local.Local, root: Path) -> None:
    await contract.put(store, KEY, b"x")
    old, new, other = (root / local_tree.DRAFTS / name for name in ("old.part", "new.part", "note.txt"))
    for file in (old, new, other):
        file.write_bytes(b"x")
    os.utime(old, (time.time() - 7200,) * 2)
    assert await store.sweep(3600) == 1
    assert (old.exists(), new.exists(), other.exists()) == (False, True, True)
    assert await contract.read(store, KEY) == b"x"


async def test_sweep_spares_the_writer_of_another_process_until_it_is_killed(store: local.Local, root: Path) -> None:
    with start_writer(root) as child:
        try:
            assert await store.sweep(0) == 0
            assert await LocalSubject(root).leftovers() == 1
        finally:
            child.kill()
    assert await store.head(KEY) is None
    assert await contract.listed(store, "media") == set()
    assert await store.sweep(0) == 1
    assert await LocalSubject(root).leftovers() == 0


async def test_no_descriptor_is_left_open(store: local.Local) -> None:
    await contract.put(store, KEY, contract.content(contract.MIB))
    before = len(names("/proc/self/fd"))
    for _ in range(5):
        await contract.put(store, KEY, contract.content(contract.MIB))
        await contract.read(store, KEY)
        await store.head(KEY)
        await (await contract.draft(store, KEY, contract.content(contract.MIB))).abort()
        pieces = store.open(KEY)
        await anext(pieces)
        await pieces.aclose()  # type: ignore[attr-defined]
    await asyncio.sleep(0)
    await store.close()
    assert len(names("/proc/self/fd")) <= before
