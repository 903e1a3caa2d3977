"""Type by content: by the first bytes alone, and never by surprise."""

import struct

import hypothesis
import pytest
from hypothesis import strategies as st

from ambrotype.core import errors, types


def ftyp(major: bytes, *compatible: bytes) -> bytes:
    brands = b"".join(compatible)
    return struct.pack(">I4s4s4x", 16 + len(brands), b"ftyp", major) + brands + b"\x00\x00\x00\x08free"


def ogg(packet: bytes) -> bytes:
    return b"OggS\x00\x02" + bytes(20) + b"\x01" + bytes([len(packet)]) + packet


MP3_FRAME = b"\xff\xfb\x90\x00" + bytes(413)
ADTS_FRAME = b"\xff\xf1\x50\x80\x01\x7f\xfc" + bytes(4)

KEPT = {
    "image/jpeg": [b"\xff\xd8\xff\xe0\x00\x10JFIF"],
    "image/png": [b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR"],
    "image/gif": [b"GIF87a\x01\x00", b"GIF89a\x01\x00"],
    "image/webp": [b"RIFF\x10\x00\x00\x00WEBPVP8 "],
    "image/tiff": [b"II*\x00\x08", b"MM\x00*\x00", b"II+\x00\x08\x00", b"MM\x00+\x00\x08"],
    "image/bmp": [b"BM" + bytes(12) + b"\x28\x00\x00\x00"],
    "image/jxl": [b"\xff\x0a\xfa\x7f", b"\x00\x00\x00\x0cJXL \r\n\x87\n\x00\x00\x00\x14ftypjxl "],
    "image/avif": [ftyp(b"avif", b"mif1"), ftyp(b"avis"), ftyp(b"mif1", b"mif1", b"avif", b"miaf")],
    "image/heic": [ftyp(b"heic", b"mif1"), ftyp(b"mif1", b"heic"), ftyp(b"hevc", b"msf1")],
    "image/heif": [ftyp(b"mif1"), ftyp(b"msf1", b"mif1")],
    "image/svg+xml": [
        b"<svg/>",
        b"<svg xmlns='http://www.w3.org/2000/svg'>",
        b"\xef\xbb\xbf  <?xml version='1.0'?>\n<!-- <html> -->\n<!DOCTYPE svg PUBLIC '-//W3C' 'x'>\n<svg>",
        b'<?xml version="1.0"?><!DOCTYPE svg [ <!ENTITY ns "http://x/>"> ]><s:svg xmlns:s="">',
        "\ufeff<svg>".encode("utf-16-le"),
    ],
    "video/mp4": [ftyp(b"isom", b"avc1"), ftyp(b"mp42"), ftyp(b"M4V "), ftyp(b"isom", b"heic", b"mp42"), ftyp(b"????")],
    "video/quicktime": [ftyp(b"qt  "), b"\x00\x00\x10\x00moov", b"\x00\x00\x00\x08wide", b"\x01\x00\x00\x00mdat"],
    "video/3gpp": [ftyp(b"3gp5"), ftyp(b"3g2a")],
    "audio/mp4": [ftyp(b"M4A ", b"isom"), ftyp(b"M4B ")],
    "video/webm": [b"\x1a\x45\xdf\xa3\x8a\x42\x86\x81\x01\x42\x82\x84webm"],
    "video/x-matroska": [b"\x1a\x45\xdf\xa3\x8e\x42\x82\x88matroska\x42\x87\x81\x04"],
    "video/x-msvideo": [b"RIFF\x10\x00\x00\x00AVI LIST"],
    "video/mp2t": [(b"G" + bytes(187)) * 4, (bytes(4) + b"G" + bytes(187)) * 4],
    "video/ogg": [ogg(b"\x80theora\x03")],
    "audio/ogg": [ogg(b"OpusHead\x01"), ogg(b"\x01vorbis\x00"), ogg(b"\x7fFLAC\x01"), ogg(b"Speex   1.2")],
    "audio/mpeg": [b"ID3\x04\x00\x00\x00\x00\x02\x00", MP3_FRAME * 3, MP3_FRAME[:100]],
    "audio/aac": [ADTS_FRAME * 3],
    "audio/wav": [b"RIFF\x10\x00\x00\x00WAVEfmt ", b"RF64\xff\xff\xff\xffWAVEds64"],
    "audio/flac": [b"fLaC\x00\x00\x00\x22"],
    "audio/aiff": [b"FORM\x00\x00\x10\x00AIFFCOMM", b"FORM\x00\x00\x10\x00AIFCFVER"],
}


def test_bytes_behind_the_first_ones_make_no_difference() -> None:
    for rest in (b"<html>", b"\xff\xd8\xff", bytes(9)):
        assert types.recognise((MP3_FRAME * 20)[: types.HEAD_BYTES] + rest) == types.TYPES["audio/mpeg"]


@pytest.mark.parametrize(("content_type", "head"), [(name, head) for name, heads in KEPT.items() for head in heads])
def test_what_is_kept_is_recognised_by_its_first_bytes(content_type: str, head: bytes) -> None:
    assert types.recognise(head) == types.TYPES[content_type]


def test_every_type_of_the_table_is_recognised_or_found_by_a_probe() -> None:
    assert set(types.TYPES) - set(KEPT) == {"audio/webm", "audio/x-matroska"}


@pytest.mark.parametrize(
    ("head", "looks_like"),
    [
        (b"", "empty"),
        (b" \n ", "nothing but white space"),
        (b"<!DOCTYPE html><html><head>", "an HTML page"),
        (b"\n<!-- x --><HTML lang=de>", "an HTML page"),
        (b"<html><body><svg></svg>", "an HTML page"),
        (b"<!doctype html><svg></svg>", "an HTML page"),
        (b"<h1>502 Bad Gateway</h1>", "an HTML page"),
        ("<html><title>Fehler für Sie".encode("latin-1"), "an HTML page"),
        ("<html>…".encode()[:-1], "an HTML page"),
        ("\ufeff<html>".encode("utf-16-be"), "an HTML page"),
        (b"<?xml version='1.0' encoding='UTF-8'?>\n<Error><Code>AccessDenied</Code>", "an XML document (<Error>)"),
        (b"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'><svg/>", "an HTML page"),
        (b"<?xml version='1.0'?><svgs>", "an XML document (<svgs>)"),
        (b"<!-- only a comment", "an XML document"),
        (b'{"error": "expired"}', "a JSON document"),
        (b"[]", "a JSON document"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd", "a playlist"),
        (b"ffconcat version 1.0\nfile x", "a playlist"),
        (b"Not found", "plain text"),
        ("Nicht gefunden: größer".encode(), "plain text"),
        (b"\x00\x01\x02\x03\x04\x05\x06\x07\x08", "unknown type"),
        (b"BM is how this text begins, and 40 bytes follow", "plain text"),
        (b"\x1a\x45\xdf\xa3\x80", "no document type"),
        (b"OggS\x00", "first page"),
    ],
)
def test_what_is_no_media_is_refused_and_called_what_it_looks_like(head: bytes, looks_like: str) -> None:
    with pytest.raises(errors.NotMedia) as refused:
        types.recognise(head)
    assert looks_like in refused.value.detail


@pytest.mark.parametrize(
    ("head", "named"),
    [
        (b"%PDF-1.7\n", "PDF"),
        (b"PK\x03\x04\x14\x00", "ZIP"),
        (b"\x1f\x8b\x08\x00", "gzip"),
        (b"glTF\x02\x00\x00\x00", "GLB"),
        (b"8BPS\x00\x01", "PSD"),
        (b"II*\x00\x10\x00\x00\x00CR\x02\x00", "CR2"),
        (ftyp(b"crx "), "CR3"),
        (b"\x00\x00\x01\xba\x44", "MPEG program stream"),
        (b"FLV\x01\x05", "Flash"),
        (ogg(b"PCM     "), "Ogg"),
        (b"\x1a\x45\xdf\xa3\x8a\x42\x82\x84\xff\xfe\x00\x01", "EBML"),
    ],
)
def test_what_is_known_and_not_kept_is_named(head: bytes, named: str) -> None:
    with pytest.raises(errors.UnsupportedType, match=named):
        types.recognise(head)


BEGINNINGS = [head for heads in KEPT.values() for head in heads]
BEGINNINGS += [signature for _, signature, _ in types.UNSUPPORTED]
BEGINNINGS += [b"<!DOCTYPE [", b"<!--", b"<?", b"<", b"\xff", b"\xff\xfe", b"G", b"\x00\x00\x00\x18ftyp"]


@hypothesis.given(st.sampled_from([b"", *BEGINNINGS]), st.binary(max_size=600), st.integers(0, 40))
def test_arbitrary_bytes_are_recognised_or_refused(begin: bytes, rest: bytes, keep: int) -> None:
    for head in (begin + rest, begin[:keep] + rest):
        try:
            assert types.recognise(head).content_type in types.TYPES
        except (errors.NotMedia, errors.UnsupportedType) as refused:
            assert refused.detail.endswith(".")


@hypothesis.given(st.text(alphabet="<!DOCTYPEsvghtml[]\"'-?> \n", max_size=4096))
def test_markup_made_to_be_slow_is_not(text: str) -> None:
    try:
        assert types.recognise(b"<" + text.encode()).content_type == "image/svg+xml"
    except errors.NotMedia as refused:
        assert "XML" in refused.detail or "HTML" in refused.detail


@pytest.mark.parametrize(
    ("name", "content_type", "expected"),
    [
        ("/a/b/photo.JPG", None, "image/jpeg"),
        ("photo.jpg?x=.png#y.gif", "application/octet-stream", "image/jpeg"),
        ("photo.jpg", "image/png; charset=binary", "image/png"),
        ("photo", "image/jpg", "image/jpeg"),
        ("song.opus", "", "audio/ogg"),
        (None, " Audio/X-M4A ", "audio/mp4"),
        ("v1.2/photo", None, None),
        ("page.html", "text/html", None),
        (".", None, None),
        (None, None, None),
    ],
)
def test_a_guess_is_by_declared_type_then_by_name(
    name: str | None, content_type: str | None, expected: str | None
) -> None:
    guessed = types.guess(name, content_type)
    assert (guessed.content_type if guessed else None) == expected
