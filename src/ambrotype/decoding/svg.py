"""SVG: whole, well-formed XML whose root element is svg. It is read, never drawn; nothing it names is
fetched.

libvips can draw SVG but counts its loader as untrusted, and a drawing's size takes no drawing.
"""

import codecs
import re
from xml.parsers import expat

from ambrotype.core import errors
from ambrotype.decoding.facts import MAX_SIDE
from ambrotype.decoding.reading import Reader

NAMESPACE = "http://www.w3.org/2000/svg"
PIECE = 1 << 18
ENCODINGS = ("ascii", "latin-1", "iso8859-2", "iso8859-15", "cp1250", "cp1251", "cp1252", "koi8-r", "utf-16")
# CSS Values and Units 4, section 6.2: pixels in each absolute unit.
UNITS = {"": 1.0, "px": 1.0, "pt": 96 / 72, "pc": 16.0, "mm": 96 / 25.4, "cm": 96 / 2.54, "in": 96.0}
LENGTH = re.compile(r"\s*\+?(\d{1,9}(?:\.\d{0,9})?|\.\d{1,9})\s*(px|pt|pc|mm|cm|in)?\s*")
# Errors that more bytes could have mended.
CUT = ("unclosed token", "no element found", "partial character", "unclosed CDATA section")


class _Root:
    """The first element's name and attributes."""

    def __init__(self) -> None:
        self.name: str | None = None
        self.attributes: dict[str, str] = {}

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if self.name is None:
            self.name, self.attributes = name, attributes


def prepare() -> None:
    """Loads the alphabets of XML declarations that Python would load from files when they are first named."""
    for name in ENCODINGS:
        codecs.lookup(name)


def size(file: Reader) -> tuple[int | None, int | None]:
    """Width and height in pixels; from the view box where they are missing or relative; None where it is,
    too."""
    root = _parse(file)
    if root.name not in (f"{NAMESPACE} svg", "svg"):
        raise errors.NotMedia("The file is XML, but its root element is not svg; it is not a picture.")
    box = re.split(r"[\s,]+", root.attributes.get("viewBox", "").strip())
    view = box[2:4] if len(box) == 4 else ["", ""]
    sides = [_pixels(root.attributes.get(name)) for name in ("width", "height")]
    if None in sides:
        sides = [_pixels(value) for value in view]
    return sides[0], sides[1]


def _parse(file: Reader) -> _Root:
    root = _Root()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = root.start
    at = 0
    try:
        while piece := file.at(at, PIECE):
            parser.Parse(piece, False)
            at += len(piece)
        parser.Parse(b"", True)
    except LookupError as error:
        raise errors.NotMedia("The file begins like SVG, but names an encoding that is not known.") from error
    except expat.ExpatError as error:
        said = expat.ErrorString(error.code)
        if said == "out of memory":
            raise MemoryError from error
        if said in CUT and at >= file.size:
            raise errors.Truncated(
                f"The SVG file ends after {file.size} bytes, inside its drawing ({said})."
            ) from error
        raise errors.NotMedia(f"The file begins like SVG, but is not well-formed XML ({said}).") from error
    return root


def _pixels(value: str | None) -> int | None:
    length = LENGTH.fullmatch(value or "")
    if length is None:
        return None
    pixels = round(float(length.group(1)) * UNITS[length.group(2) or ""])
    return pixels if 0 < pixels <= MAX_SIDE else None
