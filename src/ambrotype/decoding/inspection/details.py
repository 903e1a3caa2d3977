"""How a kept file is coded: what people look up before they hand it to another program."""

from typing import Any

import pyvips

from ambrotype.core import types
from ambrotype.decoding import bitmaps, images, streams
from ambrotype.decoding.reading import Reader

DEGREES = {3: 180, 4: 180, 5: 90, 6: 90, 7: 270, 8: 270}
"""Of the EXIF orientation: clockwise, to stand upright."""
DEPTHS = {"uchar": 8, "ushort": 16, "float": 32}
# ITU-T H.273, tables 3 and 4, as FFmpeg numbers them.
SPACES = {1: "bt709", 5: "bt601", 6: "bt601", 9: "bt2020", 10: "bt2020"}
TRANSFERS = {16: "pq", 18: "hlg"}
MOST_PROFILE = 4 << 20
MOST_NAME = 100


def of(file: Reader, media: types.MediaType) -> dict[str, Any]:
    """What is known of it, `core.media.Facts` as JSON; unknown values are left out. Raises `errors.NotMedia`."""
    if media.kind != "image":
        with streams.opened(file, media) as container:
            return _film(container, media)
    named: dict[str, Any] = {"codecs": [media.content_type.removeprefix("image/").removesuffix("+xml")]}
    if media.content_type not in images.LOADERS:
        return named
    header = images.opened(file, media)
    orientation = _number(header, "orientation") or 1
    frames = _number(header, "n-pages") if media.content_type in ("image/gif", "image/webp") else None
    moving = bitmaps.is_apng(file) if media.content_type == "image/png" else (frames or 1) > 1
    return named | {
        "rotation": DEGREES.get(orientation, 0),
        "color_profile": _profile(header),
        "color_space": {"b-w": "grey", "grey16": "grey", "cmyk": "cmyk"}.get(header.interpretation, "rgb"),
        "bit_depth": _number(header, "heif-bitdepth")
        or _number(header, "bits-per-sample")
        or DEPTHS.get(header.format),
        "alpha": bool(header.hasalpha()),
        "animated": moving,
        "frames": frames,
    }


def _film(container: Any, media: types.MediaType) -> dict[str, Any]:
    known = [s for s in container.streams if s.type in ("video", "audio") and s.codec_context is not None]
    shown = [s for s in known if s.type == "video" and not int(s.disposition) & streams.ATTACHED_PICTURE]
    heard = [s for s in known if s.type == "audio"]
    found: dict[str, Any] = {
        "codecs": [stream.codec_context.codec.canonical_name for stream in (*shown, *heard)][:16],
        "bit_rate": container.bit_rate or None,
    }
    if heard:
        found |= {
            "channels": heard[0].codec_context.layout.nb_channels,
            "sample_rate": heard[0].codec_context.sample_rate,
        }
    return found | _shown(container, shown[0]) if shown else found


def _shown(container: Any, film: Any) -> dict[str, Any]:
    context = film.codec_context
    form = context.format
    film.thread_count = 1
    first = next(container.decode(film), None) if film.width * film.height <= 8192 * 8192 else None
    return {
        "frame_rate": round(float(film.average_rate), 3) if film.average_rate else None,
        "frames": film.frames or None,
        "rotation": -int(first.rotation or 0) % 360 if first is not None else None,
        "bit_depth": form.components[0].bits if form is not None and form.components else None,
        "alpha": form is not None and form.name.startswith(("yuva", "rgba", "argb", "bgra", "abgr", "gbrap")),
        "color_space": SPACES.get(int(context.colorspace or 0)),
        "color_transfer": TRANSFERS.get(int(context.color_trc or 0)),
        "animated": True,
    }


def _number(image: pyvips.Image, name: str) -> int | None:
    value = image.get(name) if image.get_typeof(name) else None
    return value if isinstance(value, int) else None


def _profile(image: pyvips.Image) -> str | None:
    """What the ICC profile calls itself (ICC.1:2022, sections 7.3, 9.2.41 and 10.15; v2's `desc` likewise)."""
    if not image.get_typeof("icc-profile-data"):
        return None
    data = bytes(image.get("icc-profile-data"))[:MOST_PROFILE]
    for entry in range(132, min(132 + 12 * int.from_bytes(data[128:132], "big"), 132 + 12 * 100), 12):
        if data[entry : entry + 4] == b"desc":
            at, size = (int.from_bytes(data[entry + n : entry + n + 4], "big") for n in (4, 8))
            return _described(data[at : at + size]) or "unnamed"
    return "unnamed"


def _described(tag: bytes) -> str:
    if tag[:4] == b"mluc":
        size, begin = (int.from_bytes(tag[n : n + 4], "big") for n in (20, 24))
        text = tag[begin : begin + min(size, 4 * MOST_NAME)].decode("utf-16-be", "replace")
    else:
        text = tag[12 : 12 + min(int.from_bytes(tag[8:12], "big"), MOST_NAME)].decode("latin-1")
    return "".join(char for char in text if char.isprintable()).strip()[:MOST_NAME]
