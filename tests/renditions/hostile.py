"""Files that are odd, damaged or made to harm."""

import io
import struct
import zlib

import av
import pyvips

from tests.decoding import samples
from tests.renditions import conftest as house
from tests.renditions import films

SCRIPT = b"<html><script>fetch('/v1/media')</script></html>"


def all_of_them() -> dict[str, bytes]:
    """By name; none takes more than some megabytes to send."""
    jpeg, png = bytes(house.painted(200, 100).jpegsave_buffer()), bytes(house.painted(200, 100).pngsave_buffer())
    film = films.film(160, 90, seconds=1)
    return {
        "png bomb": png_of(12_000, 12_000),
        "larger png bomb": png_of(60_000, 60_000, rows=10),
        "interlaced png bomb": png_of(12_000, 12_000, interlaced=True),
        "webp bomb": webp_bomb(),
        "avif bomb": avif_bomb(),
        "gif of 100,000 frames": gif(100_000),
        "film of ten hours": lasting(film, 36_000),
        "film of no time": lasting(film, 0),
        "film without a key frame first": headless(film),
        "sound alone": samples.sound_of("aac", "mp4"),
        "jpeg and html": jpeg[:2] + b"\xff\xfe" + struct.pack(">H", 2 + len(SCRIPT)) + SCRIPT + jpeg[2:] + SCRIPT,
        "png and pdf": png + b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj",
        "html": SCRIPT,
        "nothing": b"",
        "16 bits": bytes(house.painted(200, 100).cast("ushort", shift=True).pngsave_buffer()),
        "cmyk": bytes(house.painted(200, 100).colourspace("cmyk").jpegsave_buffer()),
        "ten bits avif": bytes(house.painted(200, 100).cast("ushort", shift=True).heifsave_buffer(
            compression="av1", effort=0, bitdepth=10)),
        "one pixel wide": bytes(pyvips.Image.black(1, 30_000).pngsave_buffer()),
        "thirty thousand wide": bytes(pyvips.Image.black(30_000, 1).pngsave_buffer()),
    }  # fmt: skip


def png_of(width: int, height: int, *, rows: int | None = None, interlaced: bool = False) -> bytes:
    """Black, in colour; with pixels for so many rows only, if that is given."""
    packer = zlib.compressobj(1)
    lines = (1 + 3 * width) * (rows or height)
    if interlaced:  # the seven passes of PNG section 8.2: starts and steps
        passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
        lines = sum(-(-(height - y) // dy) * (1 + 3 * -(-(width - x) // dx)) for x, y, dx, dy in passes)
    piece = bytes(1 << 20)
    data = b"".join(packer.compress(piece[: min(len(piece), lines - at)]) for at in range(0, lines, len(piece)))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, int(interlaced))
    return (
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", data + packer.flush()) + _chunk(b"IEND", b"")
    )


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def webp_bomb() -> bytes:
    """A lossless picture whose header claims the largest size there is."""
    webp = bytearray(house.painted(64, 48).webpsave_buffer(lossless=True))
    at = webp.index(b"VP8L") + 9
    flags = int.from_bytes(webp[at : at + 4], "little") & ~0xFFFFFFF
    webp[at : at + 4] = (flags | 0x3FFF << 14 | 0x3FFF).to_bytes(4, "little")
    return bytes(webp)


def avif_bomb() -> bytes:
    avif = bytearray(house.painted(64, 48).heifsave_buffer(compression="av1", effort=0))
    at = avif.index(b"ispe") + 8
    avif[at : at + 8] = struct.pack(">II", 30_000, 30_000)
    return bytes(avif)


def gif(frames: int) -> bytes:
    """Frames of 4 × 4 pixels."""
    frame = b"!\xf9\x04\x04\x01\x00\x00\x00,\x00\x00\x00\x00\x04\x00\x04\x00\x00\x02\x05\x84\x8f\xa9\x0b\x05\x00"
    return b"GIF89a\x04\x00\x04\x00\x80\x00\x00\xff\x00\x00\x00\x00\xff" + frame * frames + b";"


def lasting(film: bytes, seconds: int) -> bytes:
    """The film with other durations in its headers (ISO/IEC 14496-12, sections 8.2.2, 8.3.2 and 8.4.2; version 0)."""
    changed = bytearray(film)
    for name, scale, length in ((b"mvhd", 12, 16), (b"mdhd", 12, 16)):
        at = changed.index(name) + 4
        rate = int.from_bytes(changed[at + scale : at + scale + 4], "big")
        changed[at + length : at + length + 4] = min(2**32 - 2, seconds * rate).to_bytes(4, "big")
    return bytes(changed)


def headless(film: bytes) -> bytes:
    """Its packets from the third on, so that what is shown first depends on what is missing."""
    written = io.BytesIO()
    with av.open(io.BytesIO(film)) as source, av.open(written, "w", format="mpegts") as made:
        track = made.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(source.demux(video=0)):
            if number > 2 and packet.dts is not None:
                packet.stream = track
                made.mux(packet)
    return written.getvalue()
