"""A small picture in the terminal: two pixels a character, the upper one in the half block and the lower one behind it."""

import asyncio
import os
from typing import TYPE_CHECKING

from ambrotype.core import errors

if TYPE_CHECKING:
    from rich import console as consoles
    from rich import text

    from ambrotype.cli import connect
    from ambrotype.core import media

COLUMNS, LINES = 48, 16
"""Of the largest picture."""
PATIENCE = 5.0
"""Seconds that a picture which is still to be made is waited for."""
MOST_BYTES = 4 << 20
MOST_SIDE = 2000
"""Pixels; a thumbnail has fewer, and nothing larger is unpacked here."""
_SEEN = 128
"""The opacity from which a pixel is painted."""

_Pixel = tuple[int, int, int] | None


def paints(console: "consoles.Console") -> bool:
    """Whether it is a terminal that shows colours and half blocks."""
    coloured = console.file.isatty() and console.color_system is not None and not console.no_color
    return coloured and console.encoding.startswith("utf") and os.environ.get("TERM") != "dumb"


async def of(library: "connect.Library", item: "media.Media") -> bytes | None:
    """The item's thumbnail, or None where there is none, or not soon."""
    if item.status != "kept" or "thumb" not in item.renditions:
        return None
    try:
        async with asyncio.timeout(PATIENCE):
            return await library.thumbnail(item.id)
    except (errors.AmbrotypeError, TimeoutError):
        return None


def show(console: "consoles.Console", thumbnail: bytes) -> None:
    """Prints it, or nothing where it is no small WebP."""
    rows = _pixels(thumbnail, columns=min(COLUMNS, console.width), lines=LINES)
    if rows:
        console.print(_painted(rows), no_wrap=True, crop=True)


def _pixels(thumbnail: bytes, *, columns: int, lines: int) -> list[list[_Pixel]]:
    """Rows of an even number. Only libwebp sees the bytes, which a server of Ambrotype has made."""
    import pyvips

    if len(thumbnail) > MOST_BYTES:
        return []
    try:
        image = pyvips.Image.webpload_buffer(thumbnail)
        if max(image.width, image.height) > MOST_SIDE:
            return []
        image = image.thumbnail_image(columns, height=2 * lines, size="down").colourspace("srgb")
        image = image if image.hasalpha() else image.bandjoin(255)
        data, width, height = bytes(image.write_to_memory()), image.width, image.height
    except pyvips.Error:
        return []
    pixels: list[_Pixel] = [
        (data[at], data[at + 1], data[at + 2]) if data[at + 3] >= _SEEN else None for at in range(0, len(data), 4)
    ]
    rows = [pixels[at : at + width] for at in range(0, width * height, width)]
    return rows if height % 2 == 0 else [*rows, [None] * width]


def _painted(rows: list[list[_Pixel]]) -> "text.Text":
    from rich import text

    lines = [
        text.Text.assemble(*(_character(*pair) for pair in zip(upper, lower, strict=True)))
        for upper, lower in zip(rows[::2], rows[1::2], strict=True)
    ]
    return text.Text("\n").join(lines)


def _character(upper: _Pixel, lower: _Pixel) -> tuple[str, str]:
    if upper is None:
        return (" ", "") if lower is None else ("▄", _colour(lower))
    return ("▀", _colour(upper) if lower is None else f"{_colour(upper)} on {_colour(lower)}")


def _colour(pixel: tuple[int, int, int]) -> str:
    return "rgb({},{},{})".format(*pixel)
