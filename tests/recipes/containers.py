"""Files with texts in them, written as generators write them: chunk by chunk."""

import gzip
import io
import struct
import tempfile
import zlib
from pathlib import Path

import av
import pyvips

WIDTH, HEIGHT = 96, 64


def picture(*, bands: int = 3) -> pyvips.Image:
    """A smooth picture, whose left is darker than its right."""
    grey = pyvips.Image.identity(bands=1).resize(WIDTH / 256, vscale=HEIGHT).cast("uchar")
    colour = grey.bandjoin([grey.invert(), grey.fliphor()]).copy(interpretation="srgb")
    return colour if bands == 3 else colour.bandjoin(pyvips.Image.black(WIDTH, HEIGHT).invert().cast("uchar"))


def encoded(ext: str, **options: object) -> bytes:
    return bytes(picture().write_to_buffer(ext, **options))


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(*chunks: tuple[bytes, bytes], behind: tuple[bytes, bytes] | None = None) -> bytes:
    """A PNG with these chunks behind its header, and one behind its pixels."""
    plain = encoded(".png")
    whole = plain[:33] + b"".join(chunk(*one) for one in chunks) + plain[33:]
    return whole[:-12] + chunk(*behind) + whole[-12:] if behind else whole


def text(key: str, value: str) -> tuple[bytes, bytes]:
    return b"tEXt", key.encode("latin-1") + b"\0" + value.encode("latin-1")


def compressed(key: str, value: str) -> tuple[bytes, bytes]:
    return b"zTXt", key.encode("latin-1") + b"\0\0" + zlib.compress(value.encode("latin-1"))


def international(key: str, value: str, *, packed: bool = False) -> tuple[bytes, bytes]:
    body = zlib.compress(value.encode()) if packed else value.encode()
    return b"iTXt", key.encode("latin-1") + b"\0" + bytes([packed, 0]) + b"\0\0" + body


def exif(entries: dict[int, str], *, comment: bytes | None = None, order: str = ">") -> bytes:
    """A TIFF block with these text entries, and a user's comment in a directory of its own."""
    values = {tag: one.encode() + b"\0" for tag, one in entries.items()}
    count = len(values) + (comment is not None)
    at = 8 + 2 + 12 * count + 4
    directory, heap = b"", b""
    for tag, value in sorted(values.items()):
        inline = value.ljust(4, b"\0") if len(value) <= 4 else struct.pack(order + "I", at + len(heap))
        directory += struct.pack(order + "HHI", tag, 2, len(value)) + inline
        heap += value if len(value) > 4 else b""
    if comment is not None:
        inner = at + len(heap)
        directory += struct.pack(order + "HHII", 0x8769, 4, 1, inner)
        heap += struct.pack(order + "HHHIII", 1, 0x9286, 7, len(comment), inner + 18, 0) + comment
    head = (b"MM\0*" if order == ">" else b"II*\0") + struct.pack(order + "I", 8)
    return head + struct.pack(order + "H", count) + directory + bytes(4) + heap


def unicode_comment(value: str, encoding: str = "utf-16-be") -> bytes:
    return b"UNICODE\0" + value.encode(encoding)


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def jpeg(*segments: bytes) -> bytes:
    plain = encoded(".jpg")
    return plain[:2] + b"".join(segments) + plain[2:]


def riff_chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def webp(*chunks: tuple[bytes, bytes]) -> bytes:
    """An extended WebP around a plain one's picture."""
    plain = encoded(".webp", Q=80)
    flags = sum({b"EXIF": 8, b"XMP ": 4}.get(name, 0) for name, _ in chunks)
    sides = (WIDTH - 1).to_bytes(3, "little") + (HEIGHT - 1).to_bytes(3, "little")
    body = riff_chunk(b"VP8X", bytes([flags, 0, 0, 0]) + sides) + plain[12:]
    body += b"".join(riff_chunk(*one) for one in chunks)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def stealth(message: str, *, magic: bytes = b"stealth_pngcomp", ext: str = ".png") -> bytes:
    """A picture with the message in its lowest bits, column by column."""
    packed = gzip.compress(message.encode(), mtime=0) if magic.endswith(b"comp") else message.encode()
    data = magic + struct.pack(">I", len(packed) * 8) + packed
    bits = [byte >> shift & 1 for byte in data for shift in range(7, -1, -1)]
    bands = 3 if b"rgb" in magic else 1
    pixels = bytearray(picture(bands=4).write_to_memory())
    for n, bit in enumerate(bits):
        place, band = divmod(n, bands)
        column, row = divmod(place, HEIGHT)
        at = (row * WIDTH + column) * 4 + (band if bands == 3 else 3)
        pixels[at] = pixels[at] & 0xFE | bit
    image = pyvips.Image.new_from_memory(bytes(pixels), WIDTH, HEIGHT, 4, "uchar").copy(interpretation="srgb")
    return bytes(image.write_to_buffer(ext, **({"lossless": True, "exact": True} if ext == ".webp" else {})))


def film(container_format: str, codec: str, tags: dict[str, str]) -> bytes:
    """A film of a few frames with tags of any name."""
    options = {"movflags": "use_metadata_tags"} if container_format in ("mp4", "mov") else {}
    with tempfile.NamedTemporaryFile() as written:
        with av.open(written.name, "w", format=container_format, options=options) as container:
            container.metadata.update(tags)
            track = container.add_stream(codec, rate=8)
            track.width, track.height, track.pix_fmt = WIDTH, HEIGHT, "yuv420p"
            for number in range(3):
                frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
                for plane, value in zip(frame.planes, (200, 90, 160), strict=True):
                    plane.update(bytes([value]) * plane.buffer_size)
                frame.pts = number
                container.mux(track.encode(frame))
            container.mux(track.encode())
        return Path(written.name).read_bytes()


def sound(container_format: str, codec: str, tags: dict[str, str]) -> bytes:
    written = io.BytesIO()
    with av.open(written, "w", format=container_format) as container:
        container.metadata.update(tags)
        voice = container.add_stream(codec, rate=48000, layout="mono")
        for number in range(8):
            tone = av.AudioFrame("s16", "mono", 1024)
            tone.sample_rate, tone.pts = 48000, number * 1024
            tone.planes[0].update(bytes(2048))
            container.mux(voice.encode(tone))
        container.mux(voice.encode())
    return written.getvalue()


def xmp(inside: str, attributes: str = "") -> str:
    return (
        '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        ' xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:exif="http://ns.adobe.com/exif/1.0/"'
        f' xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" {attributes}>{inside}'
        "</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end='w'?>"
    )
