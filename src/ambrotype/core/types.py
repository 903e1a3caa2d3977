"""Type by content: what the first bytes of a file are, whatever its name and its headers claim.

`TYPES` is all that is kept. What is known but not kept raises `errors.UnsupportedType` and is named; what is
no media at all raises `errors.NotMedia` and says what it looks like. The first bytes only say what a file
wants to be: whether it can be read is for `ambrotype.decoding` to find out.
"""

import dataclasses
import re
from typing import Literal

from ambrotype.core import documents, errors, frames

Kind = Literal["image", "video", "audio"]

HEAD_BYTES = 4096
"""How many first bytes `recognise` wants; more makes no difference to it."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MediaType:
    """A type that is kept. `ext` is without a dot and goes into paths and names."""

    kind: Kind
    content_type: str
    ext: str


def _type(kind: Kind, content_type: str, ext: str) -> MediaType:
    return MediaType(kind=kind, content_type=content_type, ext=ext)


TYPES: dict[str, MediaType] = {
    media.content_type: media
    for media in (
        _type("image", "image/jpeg", "jpeg"),
        _type("image", "image/png", "png"),
        _type("image", "image/webp", "webp"),
        _type("image", "image/gif", "gif"),
        _type("image", "image/avif", "avif"),
        _type("image", "image/heic", "heic"),
        _type("image", "image/heif", "heif"),
        _type("image", "image/tiff", "tiff"),
        _type("image", "image/bmp", "bmp"),
        _type("image", "image/svg+xml", "svg"),
        _type("image", "image/jxl", "jxl"),
        _type("video", "video/mp4", "mp4"),
        _type("video", "video/quicktime", "mov"),
        _type("video", "video/3gpp", "3gp"),
        _type("video", "video/webm", "webm"),
        _type("video", "video/x-matroska", "mkv"),
        _type("video", "video/x-msvideo", "avi"),
        _type("video", "video/mp2t", "ts"),
        _type("video", "video/ogg", "ogv"),
        _type("audio", "audio/mpeg", "mp3"),
        _type("audio", "audio/wav", "wav"),
        _type("audio", "audio/flac", "flac"),
        _type("audio", "audio/ogg", "ogg"),
        _type("audio", "audio/mp4", "m4a"),
        _type("audio", "audio/aac", "aac"),
        _type("audio", "audio/aiff", "aiff"),
        _type("audio", "audio/webm", "weba"),
        _type("audio", "audio/x-matroska", "mka"),
    )
}

EXTENSIONS = {media.ext: media for media in TYPES.values()} | {
    alias: TYPES[content_type]
    for alias, content_type in {
        "jpg": "image/jpeg",
        "jpe": "image/jpeg",
        "jfif": "image/jpeg",
        "apng": "image/png",
        "tif": "image/tiff",
        "m4v": "video/mp4",
        "qt": "video/quicktime",
        "mts": "video/mp2t",
        "m2ts": "video/mp2t",
        "wave": "audio/wav",
        "oga": "audio/ogg",
        "opus": "audio/ogg",
        "m4b": "audio/mp4",
        "aif": "audio/aiff",
        "aifc": "audio/aiff",
    }.items()
}

ALIASES = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/apng": "image/png",
    "image/x-png": "image/png",
    "image/x-ms-bmp": "image/bmp",
    "image/svg": "image/svg+xml",
    "video/x-m4v": "video/mp4",
    "video/matroska": "video/x-matroska",
    "video/avi": "video/x-msvideo",
    "audio/mp3": "audio/mpeg",
    "audio/wave": "audio/wav",
    "audio/x-wav": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "audio/x-flac": "audio/flac",
    "audio/opus": "audio/ogg",
    "audio/x-m4a": "audio/mp4",
    "audio/m4a": "audio/mp4",
    "audio/x-aiff": "audio/aiff",
    "audio/matroska": "audio/x-matroska",
}

# The first match wins: (offset, bytes, content type).
SIGNATURES = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (0, b"\x00\x00\x00\x0cJXL \r\n\x87\n", "image/jxl"),
    (0, b"\xff\x0a", "image/jxl"),
    (0, b"fLaC", "audio/flac"),
    (0, b"ID3", "audio/mpeg"),
)

# The same for what is known and not kept: (offset, bytes, what it is called).
UNSUPPORTED = (
    (0, b"%PDF-", "a PDF document"),
    (0, b"PK\x03\x04", "a ZIP archive or an office document"),
    (0, b"PK\x05\x06", "an empty ZIP archive"),
    (0, b"\x1f\x8b", "gzip-compressed data"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (0, b"Rar!\x1a\x07", "a RAR archive"),
    (0, b"\x28\xb5\x2f\xfd", "Zstandard-compressed data"),
    (0, b"glTF", "a GLB 3D model"),
    (0, b"Kaydara FBX Binary", "an FBX 3D model"),
    (0, b"ply\n", "a PLY 3D model"),
    (0, b"8BPS", "a Photoshop document (PSD)"),
    (0, b"gimp xcf", "a GIMP document (XCF)"),
    (0, b"%!PS", "a PostScript document"),
    (0, b"{\\rtf", "an RTF document"),
    (0, b"\x00\x00\x00\x0cjP  \r\n\x87\n", "a JPEG 2000 image"),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000 image"),
    (0, b"\x76\x2f\x31\x01", "an OpenEXR image"),
    (0, b"#?RADIANCE", "a Radiance HDR image"),
    (0, b"DDS |", "a DDS texture"),
    (0, b"\xabKTX ", "a KTX texture"),
    (0, b"qoif", "a QOI image"),
    (0, b"icns", "an Apple icon"),
    (0, b"\x00\x00\x01\x00", "a Windows icon"),
    (0, b"\x8aMNG\r\n\x1a\n", "an MNG animation"),
    (8, b"CR\x02\x00", "a camera's raw image (CR2)"),
    (0, b"FLV\x01", "a Flash video (FLV)"),
    (0, b"FWS", "a Flash film (SWF)"),
    (0, b"CWS", "a Flash film (SWF)"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a Windows Media file (ASF)"),
    (0, b"\x00\x00\x01\xba", "an MPEG program stream"),
    (0, b"\x00\x00\x01\xb3", "an MPEG video stream"),
    (0, b".RMF", "a RealMedia file"),
    (0, b"MThd", "a MIDI file"),
    (0, b"#!AMR", "an AMR recording"),
    (0, b"caff\x00\x01", "a Core Audio file (CAF)"),
    (0, b"wvpk", "a WavPack file"),
)

TIFF = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
BRANDS = {
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"heim": "image/heic",
    b"heis": "image/heic",
    b"hevc": "image/heic",
    b"hevx": "image/heic",
    b"mif1": "image/heif",
    b"msf1": "image/heif",
    b"qt  ": "video/quicktime",
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
    b"M4P ": "audio/mp4",
}
QUICKTIME_FIRST_BOXES = (b"moov", b"mdat", b"wide", b"pnot")
OGG_CODECS = {
    b"OpusHead": "audio/ogg",
    b"\x01vorbis": "audio/ogg",
    b"\x7fFLAC": "audio/ogg",
    b"Speex   ": "audio/ogg",
    b"\x80theora": "video/ogg",
    b"fishead\x00": "video/ogg",
}


def recognise(head: bytes) -> MediaType:
    """The type of a file by its first `HEAD_BYTES` bytes.

    Raises `errors.NotMedia` for pages, documents and unknown bytes, `errors.UnsupportedType` for what is
    known, but not kept. Matroska, MP4 and Ogg files may turn out to hold sound only; that takes a probe.
    """
    head = bytes(head[:HEAD_BYTES])
    if not head:
        raise errors.NotMedia("The file is empty: 0 bytes are not a picture, a video or audio.")
    for offset, signature, name in UNSUPPORTED:
        if head.startswith(signature, offset):
            raise errors.UnsupportedType(f"The file is {name}, which Ambrotype does not keep.")
    content_type = _by_signature(head) or _by_container(head) or _by_frames(head)
    if content_type is not None:
        return TYPES[content_type]
    looks_like = documents.describe(head)
    if looks_like == documents.SVG:
        return TYPES["image/svg+xml"]
    if looks_like is not None:
        raise errors.NotMedia(f"The file is {looks_like}, not a picture, a video or audio.")
    raise errors.NotMedia(f"The file is of an unknown type (it begins with the bytes {head[:8].hex(' ')}).")


def guess(name: str | None, content_type: str | None) -> MediaType | None:
    """What a file may be, before any byte of it is there: by its declared type, else by its name's end.

    `name` is a file name or a URL's path; None or nonsense in either is fine. Only a guess: no decision.
    """
    declared = (content_type or "").split(";")[0].strip().lower()
    media = TYPES.get(ALIASES.get(declared, declared))
    if media is not None:
        return media
    last = re.split(r"[?#]", name or "")[0].rpartition("/")[2]
    return EXTENSIONS.get(last.rpartition(".")[2].lower()) if "." in last else None


def _by_signature(head: bytes) -> str | None:
    for offset, signature, content_type in SIGNATURES:
        if head.startswith(signature, offset):
            return content_type
    if head.startswith(TIFF):
        return "image/tiff"
    # "BM" alone is the beginning of many texts; the size of the second header is a small number in every BMP.
    if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in (12, 16, 40, 52, 56, 64, 108, 124):
        return "image/bmp"
    return None


def _by_container(head: bytes) -> str | None:
    if head.startswith(b"RIFF") or head.startswith(b"RF64"):
        return RIFF.get(head[8:12])
    if head.startswith(b"FORM") and head[8:12] in (b"AIFF", b"AIFC"):
        return "audio/aiff"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return _matroska(head)
    if head.startswith(b"OggS"):
        return _ogg(head)
    if head[4:8] == b"ftyp":
        return _iso_bmff(head)
    if head[4:8] in QUICKTIME_FIRST_BOXES and (head.startswith(b"\x00") or head[4:8] == b"mdat"):
        return "video/quicktime"
    return None


def _iso_bmff(head: bytes) -> str:
    """By brands, ISO/IEC 14496-12 section 4.3; the major brand is told first and says most."""
    end = min(int.from_bytes(head[:4], "big"), len(head))
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))]
    if brands[0] == b"crx ":
        raise errors.UnsupportedType("The file is a camera's raw image (CR3), which Ambrotype does not keep.")
    if brands[0] in (b"mif1", b"msf1"):
        # A general image brand: the codec's own brand, where there is one, stands behind it.
        brands.sort(key=lambda brand: brand in (b"mif1", b"msf1"))
    if brands[0][:3] in (b"3gp", b"3g2"):
        return "video/3gpp"
    if brands[0] in BRANDS:
        return BRANDS[brands[0]]
    # A film may call itself compatible with pictures' brands (live photographs): it stays a film.
    images = {BRANDS[brand] for brand in brands if BRANDS.get(brand, "").startswith("image/")}
    films = any(brand[:3] in (b"iso", b"mp4", b"avc", b"M4V", b"das") for brand in brands)
    return images.pop() if len(images) == 1 and not films else "video/mp4"


def _matroska(head: bytes) -> str:
    """By the DocType of the EBML header, RFC 8794 section 11.2.4."""
    at = head.find(b"\x42\x82")
    if at < 0 or at + 3 > len(head):
        raise errors.NotMedia("The file begins like Matroska, but its header names no document type.")
    doctype = head[at + 3 : at + 3 + (head[at + 2] & 0x7F)].rstrip(b"\x00")
    known = {b"webm": "video/webm", b"matroska": "video/x-matroska"}.get(doctype)
    if known is None:
        shown = doctype[:20].decode("ascii", errors="replace")
        raise errors.UnsupportedType(f"The file is EBML of type {shown!r}, which Ambrotype does not keep.")
    return known


def _ogg(head: bytes) -> str:
    """By the first packet of the first page, RFC 3533 section 6."""
    if len(head) < 28:
        raise errors.NotMedia("The file begins like Ogg, but ends inside its first page.")
    packet = head[27 + head[26] :]
    for begin, content_type in OGG_CODECS.items():
        if packet.startswith(begin):
            return content_type
    raise errors.UnsupportedType("The file is an Ogg stream of a codec that Ambrotype does not keep.")


def _by_frames(head: bytes) -> str | None:
    """Streams without a file header: two frames, or three packets, that follow each other as they say."""
    if head[0] == 0x47 and len(head) > 376 and head[188] == 0x47 and head[376] == 0x47:
        return "video/mp2t"
    if len(head) > 388 and head[4] == head[196] == head[388] == 0x47:
        return "video/mp2t"
    for content_type, frame_length in (("audio/mpeg", frames.mpeg), ("audio/aac", frames.adts)):
        length = frame_length(head)
        if length and (length + 4 > len(head) or frame_length(head[length:])):
            return content_type
    return None
