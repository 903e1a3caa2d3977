"""What must be true when all is over, whatever happened before: rows and bytes against each other and the sources."""

import asyncio
import hashlib
from pathlib import Path

from ambrotype.storage import contract
from tests.chaos import house, sources

_ITEMS = """
select m.id, m.status, m.lost_code, m.bucket, m.path, m.size, encode(m.sha256, 'hex') as sha256, t.source_url,
       exists (select from ambrotype.capture c where c.media_id = m.id) as scheduled
from ambrotype.media m join ambrotype.media_text t on t.media_id = m.id
"""


async def nothing_lost(
    at: house.House,
    *,
    root: Path | None = None,
    store: contract.Store | None = None,
) -> None:
    """Every promise ended as it may; what is kept has its bytes, whole; there is nothing else.

    Rules: an acknowledged URL is one item, `kept` or lost with a code that is true for its source. A kept row's bytes
    lie at its path and are those that the source serves. Any other file is the whole file of an item that is not kept
    (a worker died between publishing and recording), at that item's own place; unpublished bytes are outside of it, and so
    are renditions, which can be made again.
    The store is the local one in the data folder, the one in `root`, or `store`.
    """
    items = {row["id"]: row for row in await at.all(_ITEMS)}
    by_url = [row["source_url"] for row in items.values()]
    assert len(by_url) == len(set(by_url)), "a source became two items"
    files = {item: source.file for item, source in at.promises.items()}
    for item, source in at.promises.items():
        row = items[item]
        end = row["lost_code"] if row["status"] == "lost" else row["status"]
        assert end in source.ends, f"{source.file} of {item} ended as {end}"
        assert not row["scheduled"], f"{item} has ended, and is still to be captured"
    stored = await _stored(root or at.data / "store") if store is None else await _listed(store)
    for item, row in items.items():
        if row["status"] == "kept" and item in files:
            expected = await asyncio.to_thread(sources.sha256, files[item])
            assert row["sha256"] == expected, f"{item} is kept with other bytes than the source's"
            assert stored.pop(f"{row['bucket']}/{row['path']}", None) == expected, f"{item} is kept without its bytes"
    for path, digest in stored.items():
        if "/renditions/" in path:
            continue
        (owner,) = (item for item in items if str(item) in path)
        assert items[owner]["status"] != "kept", f"{path} lies beside the bytes of a kept item"
        assert digest == await asyncio.to_thread(sources.sha256, files[owner]), f"{path} is not whole"


async def _stored(root: Path) -> dict[str, str]:
    """Path below the root → SHA-256 of every published file."""

    def look() -> dict[str, str]:
        return {
            str(file.relative_to(root)): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in root.rglob("*")
            if file.is_file() and not file.relative_to(root).parts[0].startswith(".")
        }

    return await asyncio.to_thread(look)


async def _listed(store: contract.Store) -> dict[str, str]:
    found = {}
    async for entry in store.list("media"):
        digest = hashlib.sha256()
        async for piece in store.open(entry.key):
            digest.update(piece)
        found[str(entry.key)] = digest.hexdigest()
    return found
