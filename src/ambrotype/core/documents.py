"""What text looks like that came where media was expected: an error page, a playlist, or perhaps an SVG."""

import re

SVG = "SVG"
"""What `describe` answers for XML whose root element is svg: the one kind of text that is kept."""

BYTE_ORDER_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
PROLOG = re.compile(
    r"(?:\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE(?:[^\[>\"']|\"[^\"]*\"|'[^']*'|\[(?:[^\]\"']|\"[^\"]*\"|'[^']*')*\])*>)",
    re.DOTALL | re.IGNORECASE,
)
ROOT = re.compile(r"<([A-Za-z_][\w.\-]{0,60}:)?([A-Za-z_][\w.\-]{0,60})(?=[\s/>]|$)")
HTML = re.compile(
    r"<(?:!doctype\s+html|html|head|body|title|meta|script|style|div|p|h1|iframe|table|a|br|center)\b",
    re.IGNORECASE,
)
PLAYLIST = re.compile(r"#EXTM3U|ffconcat version")


def describe(head: bytes) -> str | None:
    """A name such as "an HTML page" or `SVG`; None where the bytes are not text."""
    text = decode(head)
    if text is None:
        return None
    text = text.lstrip()
    if not text:
        return "nothing but white space"
    if text.startswith("<"):
        return markup(text)
    if text[0] in "{[":
        return "a JSON document"
    if PLAYLIST.match(text):
        return "a playlist, which names media but holds none"
    return "plain text"


def decode(head: bytes) -> str | None:
    """The text of the first bytes, which may end inside a character; None where they are binary."""
    for mark, encoding in BYTE_ORDER_MARKS:
        if head.startswith(mark):
            return printable(head[len(mark) :].decode(encoding, errors="replace"))
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":
            text = head[: error.start].decode("utf-8")
        elif head.lstrip().startswith(b"<"):
            text = head.decode("latin-1")  # an old page; every byte is a letter of that alphabet
        else:
            return None
    return printable(text)


def printable(text: str) -> str | None:
    return None if CONTROL.search(text) else text


def markup(text: str) -> str:
    """What a text that begins with "<" is, by its first element behind declarations and comments."""
    position = 0
    while (part := PROLOG.match(text, position)) is not None:
        if HTML.match(part.group()):
            return "an HTML page"
        position = part.end()
    root = ROOT.match(text, position)
    if root is not None and root.group(2) == "svg":
        return SVG
    if HTML.match(text, position):
        return "an HTML page"
    return f"an XML document (<{root.group(2)}>)" if root is not None else "an XML document"
