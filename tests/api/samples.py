"""Bytes to hand over, and what they must become."""

import base64
import hashlib
from typing import Any

from ambrotype.simulator import assets
from ambrotype.simulator import server as simulators


def picture(seed: int, *, size: str = "64x48", extension: str = "png") -> bytes:
    """A small picture of the simulator's, the same for the same seed."""
    return content(f"image/{size}/{seed}.{extension}")


def content(key: str) -> bytes:
    asset = assets.find(key)
    return b"".join(asset.pieces(0, asset.size))


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def url(sim: simulators.Simulator, seed: int, **how: Any) -> str:
    """An expiring URL of a small picture."""
    return sim.sign(f"image/64x48/{seed}.png", **how)
