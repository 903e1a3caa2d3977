"""Texts in EXIF: all text entries of the first directory, and the user's comment (CIPA DC-008, TIFF 6.0 section 2).

All, because ComfyUI writes `prompt:{…}` to Model and `workflow:{…}` to Make, and counts further tags down from there.
"""

import codecs

from ambrotype.decoding.inspection.texts import Texts, guess

EXIF_DIRECTORY, USER_COMMENT, XMP, IPTC = 0x8769, 0x9286, 0x02BC, 0x83BB
NAMES = {
    0x010D: "DocumentName", 0x010E: "ImageDescription", 0x010F: "Make", 0x0110: "Model", 0x0131: "Software",
    0x013B: "Artist", 0x8298: "Copyright", 0x9C9B: "XPTitle", 0x9C9C: "XPComment", 0x9C9E: "XPKeywords",
    0x9C9F: "XPSubject",
    USER_COMMENT: "UserComment",
}  # fmt: skip
XP_TAGS = range(0x9C9B, 0x9CA0)
"""Windows' own tags: UTF-16, little-endian."""
BYTES, ASCII, UNDEFINED, UTF8 = 1, 2, 7, 129
MOST_ENTRIES = 512


def prepare() -> None:
    """Loads the alphabets of comments, which Python loads from files when they are first used."""
    for encoding in ("utf-16", "utf-16-le", "utf-16-be"):
        codecs.lookup(encoding)
    b'\x1b$B$"\x1b(B'.decode("iso2022_jp")


def read(block: bytes, texts: Texts) -> None:
    """Adds what the block says; an offset that leads out of it leads nowhere."""
    block = block.removeprefix(b"Exif\0\0")
    if block[:2] not in (b"II", b"MM"):
        return
    little = block[:2] == b"II"
    entries = _directory(block, _number(block, 4, 4, little=little), little=little)
    for tag, (kind, data) in entries.items():
        if tag in XP_TAGS:
            texts.add("exif", NAMES.get(tag, f"0x{tag:04X}"), data.decode("utf-16-le", "replace"))
        elif kind in (ASCII, UTF8) and tag != EXIF_DIRECTORY:
            texts.add("exif", NAMES.get(tag, f"0x{tag:04X}"), guess(data))
    if EXIF_DIRECTORY in entries:
        at = int.from_bytes(entries[EXIF_DIRECTORY][1][:4], "little" if little else "big")
        entries |= _directory(block, at, little=little)
    if USER_COMMENT in entries:
        texts.add("exif", "UserComment", comment(entries[USER_COMMENT][1], little=little))


def blocks(file_head: bytes) -> dict[int, bytes]:
    """The entries of a TIFF file's first directory that hold blocks of their own: XMP and IPTC."""
    little = file_head[:2] == b"II"
    entries = _directory(file_head, _number(file_head, 4, 4, little=little), little=little)
    return {tag: entries[tag][1] for tag in (XMP, IPTC) if tag in entries}


def comment(data: bytes, *, little: bool) -> str:
    """A user's comment: eight bytes name its alphabet. What "UNICODE" means was never said; writers differ."""
    code, text = data[:8], data[8:]
    if code == b"UNICODE\0":
        return _utf16(text, little=little)
    if code.startswith(b"JIS"):
        return text.decode("iso2022_jp", "replace")
    if code in (b"ASCII\0\0\0", bytes(8)):
        return guess(text)
    if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return data.decode("utf-16", "replace")
    return guess(data)


def _utf16(text: bytes, *, little: bool) -> str:
    if text[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return text.decode("utf-16", "replace")
    if text[:256].count(0) * 4 < min(len(text), 256) and _is_utf8(text):
        return text.decode()
    big, small = text.decode("utf-16-be", "replace"), text.decode("utf-16-le", "replace")
    # The right order shows by what western text is made of; without any, by the file's own order.
    plain = [sum(letter < "\u0250" for letter in order[:512]) for order in (big, small)]
    if plain[0] == plain[1]:
        return small if little else big
    return big if plain[0] > plain[1] else small


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _directory(block: bytes, at: int, *, little: bool) -> dict[int, tuple[int, bytes]]:
    """Entries of one directory that may hold text, or lead to another directory: (type, data) by tag."""
    found: dict[int, tuple[int, bytes]] = {}
    count = min(_number(block, at, 2, little=little), MOST_ENTRIES)
    for entry in range(at + 2, at + 2 + count * 12, 12):
        if entry + 12 > len(block):
            break
        tag, kind = _number(block, entry, 2, little=little), _number(block, entry + 2, 2, little=little)
        length = _number(block, entry + 4, 4, little=little)
        if tag == EXIF_DIRECTORY:
            found[tag] = (kind, block[entry + 8 : entry + 12])
        elif kind in (BYTES, ASCII, UNDEFINED, UTF8):
            begin = entry + 8 if length <= 4 else _number(block, entry + 8, 4, little=little)
            found.setdefault(tag, (kind, block[begin : begin + length]))
    return found


def _number(block: bytes, at: int, length: int, *, little: bool) -> int:
    return int.from_bytes(block[at : at + length], "little" if little else "big")
