"""Whether a file ends where its own structure says, for the formats in which that is cheap to see.

A check raises `errors.Truncated` only if the structure leads beyond the end of the file. Bytes behind the
end are tolerated, and so is whatever a check does not understand: that is for the decoder to judge. No
whole file may be refused here; that a cut one passes, in a format that does not tell its end, is the
smaller evil.
"""

from collections.abc import Callable

from ambrotype.core import errors
from ambrotype.decoding import isobmff, tiff
from ambrotype.decoding.reading import Reader

UNKNOWN_SIZE = 0x7FFF_0000
"""Writers that can't seek back leave 0 or an absurd size in RIFF and AIFF headers; from here on it counts
as absurd."""


def check(file: Reader, content_type: str) -> None:
    """Raises `errors.Truncated` if the file, of that type, ends too early."""
    walk = CHECKS.get(content_type)
    if walk is not None:
        walk(file)


def jpeg(file: Reader) -> None:
    """Segments up to the first scan, then an end marker anywhere behind it (ITU-T T.81 annex B).

    FF D9 can't stand in a scan's data, and before the first scan, where thumbnails may have one, nothing is
    searched.
    """
    at = 2
    while True:
        marker = file.at(at, 4)
        if len(marker) < 4:
            raise _ends(file, "JPEG", "before its picture begins")
        if marker[0] != 0xFF:
            return
        if marker[1] == 0xFF:
            at += 1
            continue
        if marker[1] == 0xDA:
            break
        if marker[1] == 0x01 or 0xD0 <= marker[1] <= 0xD9:
            at += 2
            continue
        at += 2 + max(2, int.from_bytes(marker[2:4], "big"))
        if at > file.size:
            raise _ends(file, "JPEG", "before its picture begins")
    if file.rfind(b"\xff\xd9", at) < 0:
        raise _ends(file, "JPEG", "without the marker of its end (EOI)")


def png(file: Reader) -> None:
    """Chunks up to IEND (W3C PNG, section 5.3)."""
    at = 8
    while True:
        head = file.at(at, 8)
        if len(head) == 8 and not head[4:].isalpha():
            return
        at += 12 + int.from_bytes(head[:4], "big")
        if len(head) < 8 or at > file.size:
            raise _ends(file, "PNG", "before its last chunk (IEND)")
        if head[4:] == b"IEND":
            return


def gif(file: Reader) -> None:
    """Blocks up to the trailer (GIF89a specification, sections 17 to 27)."""
    screen = file.at(0, 13)
    at = 13 + (_colours(screen[10]) if len(screen) == 13 else 0)
    while True:
        block = file.at(at, 1)
        if block == b";":
            return
        if block == b"!":
            at = _gif_data(file, at + 2)
        elif block == b",":
            descriptor = file.at(at, 10)
            if len(descriptor) < 10:
                raise _ends(file, "GIF", "before its trailer")
            at = _gif_data(file, at + 11 + _colours(descriptor[9]))
        elif block:
            return
        else:
            raise _ends(file, "GIF", "before its trailer")


def _colours(packed: int) -> int:
    return 3 * 2 ** ((packed & 7) + 1) if packed & 0x80 else 0


def _gif_data(file: Reader, at: int) -> int:
    while length := file.at(at, 1):
        at += 1 + length[0]
        if not length[0]:
            return at
    raise _ends(file, "GIF", "before its trailer")


def webp(file: Reader) -> None:
    size = file.number(4, 4, little=True)
    if size is None or size + 8 > file.size:
        raise _ends(file, "WebP", f"but announces {(size or 0) + 8}")


def riff(file: Reader) -> None:
    """WAV and AVI; a large AVI is several RIFF chunks in a row."""
    at = 0
    while file.at(at, 4) == b"RIFF":
        size = file.number(at + 4, 4, little=True)
        if size is None:
            raise _ends(file, "RIFF", "inside its header")
        if size == 0 or size >= UNKNOWN_SIZE:
            return
        if at + 8 + size > file.size:
            raise _ends(file, "RIFF", f"but announces {at + 8 + size}")
        at += 8 + size + size % 2


def aiff(file: Reader) -> None:
    size = file.number(4, 4)
    if size is not None and size < UNKNOWN_SIZE and size + 8 > file.size:
        raise _ends(file, "AIFF", f"but announces {size + 8}")


def ogg(file: Reader) -> None:
    """The last page is whole (RFC 3533 section 6). A stream cut between two pages can't be told from a live
    one."""
    at = file.rfind(b"OggS\x00", max(0, file.size - 2 * 65_307))
    if at < 0:
        return
    page = file.at(at, 27 + 255)
    if len(page) < 27 or len(page) < 27 + page[26] or at + 27 + page[26] + sum(page[27 : 27 + page[26]]) > file.size:
        raise _ends(file, "Ogg", "inside a page")


def matroska(file: Reader) -> None:
    """The segment, where it tells its size (RFC 9559 section 4.5; sizes: RFC 8794 section 4)."""
    header = _element_size(file, 4)
    if header is None:
        return
    at = header[0] + (header[1] or 0)
    if at + 12 > file.size:
        raise _ends(file, "Matroska", "before its segment")
    segment = _element_size(file, at + 4)
    if file.at(at, 4) != b"\x18\x53\x80\x67" or segment is None or segment[1] is None:
        return
    if segment[0] + segment[1] > file.size:
        raise _ends(file, "Matroska", f"but announces {segment[0] + segment[1]}")


def _element_size(file: Reader, at: int) -> tuple[int, int | None] | None:
    """Where the element's data begins and how long it is (None: unknown); None where that can't be read."""
    first = file.number(at, 1)
    if not first:
        return None
    length = 9 - first.bit_length()
    value = file.number(at, length)
    if value is None:
        return None
    largest = (1 << 7 * length) - 1
    return at + length, None if value & largest == largest else value & largest


def _ends(file: Reader, name: str, where: str) -> errors.Truncated:
    return errors.Truncated(f"The {name} file ends after {file.size} bytes, {where}; it was cut off.")


CHECKS: dict[str, Callable[[Reader], None]] = {
    "image/jpeg": jpeg,
    "image/png": png,
    "image/gif": gif,
    "image/webp": webp,
    "image/tiff": tiff.check,
    "image/avif": isobmff.check_image,
    "image/heic": isobmff.check_image,
    "image/heif": isobmff.check_image,
    "image/jxl": isobmff.check_jxl,
    "video/mp4": isobmff.check_film,
    "video/quicktime": isobmff.check_film,
    "video/3gpp": isobmff.check_film,
    "audio/mp4": isobmff.check_film,
    "video/webm": matroska,
    "video/x-matroska": matroska,
    "video/x-msvideo": riff,
    "video/ogg": ogg,
    "audio/wav": riff,
    "audio/aiff": aiff,
    "audio/ogg": ogg,
}
