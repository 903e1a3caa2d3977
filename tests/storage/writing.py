"""A process that writes into a local store: `writing.py ROOT hold|publish`. The tests watch or kill it."""

import asyncio
import sys
from pathlib import Path

from ambrotype.storage import contract, local


async def main(root: Path, then: str) -> None:
    store = local.Local(root, min_free=0)
    key = contract.Key("media", "generated/owner/images/one.png")
    writer = await store.create(key, content_type="image/png")
    await writer.write(bytes(1 << 20))
    if then == "hold":
        print("writing", flush=True)
        await asyncio.sleep(600)
    await writer.seal()
    await writer.publish()
    print("published", flush=True)
    await store.close()


asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
