"""Texts in JPEG segments: EXIF, XMP and its extension, IPTC, comments (ITU-T T.81 annex B; XMP part 3 section
1.1.3)."""

from ambrotype.decoding.inspection import exif, iptc
from ambrotype.decoding.inspection.texts import MOST_BLOCK, Texts, guess
from ambrotype.decoding.reading import Reader

XMP = b"http://ns.adobe.com/xap/1.0/\0"
XMP_MORE = b"http://ns.adobe.com/xmp/extension/\0"
EXIF = b"Exif\0\0"
MOST_SEGMENTS = 4096


def read(file: Reader, texts: Texts) -> None:
    """Segments up to the first scan; EXIF that was spread over several is put together again."""
    blocks = bytearray()
    more = bytearray()
    at = 2
    for _ in range(MOST_SEGMENTS):
        marker = file.at(at, 4)
        if len(marker) < 4 or marker[0] != 0xFF or marker[1] == 0xDA:
            break
        if marker[1] == 0xFF:
            at += 1
            continue
        if marker[1] == 0x01 or 0xD0 <= marker[1] <= 0xD9:
            at += 2
            continue
        size = max(2, int.from_bytes(marker[2:4], "big"))
        data = file.at(at + 4, size - 2)
        at += 2 + size
        if marker[1] == 0xFE:
            texts.add("jpeg", "comment", guess(data))
        elif marker[1] == 0xE1 and data.startswith(EXIF) and len(blocks) < MOST_BLOCK:
            blocks += data[len(EXIF) :] if blocks else data
        elif marker[1] == 0xE1 and data.startswith(XMP):
            texts.add("xmp", "packet", guess(data[len(XMP) :]))
        elif marker[1] == 0xE1 and data.startswith(XMP_MORE) and len(more) < MOST_BLOCK:
            more += data[len(XMP_MORE) + 40 :]  # behind a digest, a length and an offset
        elif marker[1] == 0xED and data.startswith(iptc.HEADER):
            iptc.read_resources(data, texts)
    exif.read(bytes(blocks), texts)
    texts.add("xmp", "extension", guess(bytes(more)))
