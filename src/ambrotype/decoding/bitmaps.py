"""Headers of pictures that libvips does not read, or not wholly: BMP, JPEG XL, and what makes a PNG an
APNG."""

from ambrotype.core import errors
from ambrotype.decoding import isobmff
from ambrotype.decoding.reading import Reader

UNCOMPRESSED, RUN_LENGTHS = (0, 3, 6), (1, 2)
RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))


def bmp(file: Reader) -> tuple[int, int]:
    """Width and height (BITMAPINFOHEADER, BITMAPCOREHEADER). Raises `errors.Truncated` if pixels are
    missing."""
    head = file.at(0, 54)
    if len(head) < 26:
        raise errors.Truncated(f"The BMP file ends after {file.size} bytes, inside its header; it was cut off.")

    def field(at: int, length: int) -> int:
        return int.from_bytes(head[at : at + length], "little", signed=length == 4)

    if field(14, 4) == 12:
        width, height, depth, compression, pixels = field(18, 2), field(20, 2), field(24, 2), 0, 0
    else:
        width, height, depth = field(18, 4), abs(field(22, 4)), field(28, 2)
        compression, pixels = field(30, 4), field(34, 4)
    if width <= 0 or height <= 0 or depth not in (1, 2, 4, 8, 16, 24, 32):
        raise errors.NotMedia(f"The BMP file claims to be {width} × {height} pixels of {depth} bits.")
    if compression in UNCOMPRESSED:
        # The last row's padding may be missing without any pixel missing.
        pixels = (width * depth + 31) // 32 * 4 * (height - 1) + (width * depth + 7) // 8
    if compression in UNCOMPRESSED + RUN_LENGTHS and field(10, 4) + pixels > file.size:
        raise errors.Truncated(f"The BMP file ends after {file.size} of {field(10, 4) + pixels} bytes; it was cut off.")
    return width, height


def jxl(file: Reader) -> tuple[int, int]:
    """Width and height as displayed (ISO/IEC 18181-1, SizeHeader and ImageMetadata)."""
    at = 0
    if file.at(4, 4) == b"JXL ":
        found = (box for box in isobmff.boxes(file, 0, file.size) if box.name in (b"jxlc", b"jxlp"))
        box = next(found, None)
        if box is None:
            raise errors.NotMedia("The JPEG XL file holds no picture.")
        at = box.begin + (4 if box.name == b"jxlp" else 0)
    data = file.at(at, 32)
    if len(data) < 12 or data[:2] != b"\xff\x0a":
        raise errors.NotMedia("The file begins like JPEG XL, but no header of a picture follows.")
    bits = _Bits(data[2:])
    small = bits.take(1)
    height = (bits.take(5) + 1) * 8 if small else bits.side()
    ratio = bits.take(3)
    if ratio:
        width = height * RATIOS[ratio - 1][0] // RATIOS[ratio - 1][1]
    else:
        width = (bits.take(5) + 1) * 8 if small else bits.side()
    all_default = bits.take(1)
    if not all_default and bits.take(1) and bits.take(3) >= 4:
        width, height = height, width
    if width == 0:
        raise errors.NotMedia("The JPEG XL file claims to be 0 pixels wide.")
    return width, height


class _Bits:
    """Bits, the lowest of each byte first."""

    def __init__(self, data: bytes) -> None:
        self._rest = int.from_bytes(data, "little")

    def take(self, count: int) -> int:
        value = self._rest & (1 << count) - 1
        self._rest >>= count
        return value

    def side(self) -> int:
        return self.take((9, 13, 18, 30)[self.take(2)]) + 1


def is_apng(file: Reader) -> bool:
    """Whether an animation control chunk stands before the picture (W3C PNG, section 11.3.6.1)."""
    at = 8
    while len(head := file.at(at, 8)) == 8 and head[4:] not in (b"IDAT", b"IEND"):
        if head[4:] == b"acTL":
            return True
        at += 12 + int.from_bytes(head[:4], "big")
    return False
