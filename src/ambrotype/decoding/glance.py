"""A small picture of a file as plain pixels, and those as a PNG (ISO/IEC 15948), which holds nothing else."""

import base64
import binascii
import dataclasses
import struct
import zlib
from typing import Any

SIDE = 320
"""Pixels of the longer side, at the most."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """`rgb` holds three bytes a pixel, row by row."""

    width: int
    height: int
    rgb: bytes

    def png(self) -> bytes:
        """The picture as a file: header, pixels, end."""
        rows = (self.rgb[at : at + 3 * self.width] for at in range(0, len(self.rgb), 3 * self.width))
        header = struct.pack("!IIBBBBB", self.width, self.height, 8, 2, 0, 0, 0)
        pixels = zlib.compress(b"".join(b"\0" + row for row in rows), 6)
        return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def glance(raw: dict[str, Any]) -> Glance | None:
    """What a child has answered, checked: a taken-over one may answer anything."""
    try:
        width, height, rgb = int(raw["width"]), int(raw["height"]), base64.b64decode(str(raw["rgb"]), validate=True)
    except (LookupError, ValueError, TypeError, binascii.Error):
        return None
    if not (1 <= width <= SIDE and 1 <= height <= SIDE and len(rgb) == 3 * width * height):
        return None
    return Glance(width=width, height=height, rgb=rgb)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack("!I", len(data)) + kind + data + struct.pack("!I", zlib.crc32(kind + data))
