"""What can be derived from an original, how it is asked for, and what it is called.

A rendition's name says all of how it is made, so the same wish is made once, by whichever way it was spelled.
"""

import dataclasses
import re
from collections.abc import Mapping
from typing import Literal

from ambrotype.core import errors

Fit = Literal["cover", "contain", "inside"]
Format = Literal["webp", "avif", "jpeg", "png"]

LADDER = (64, 128, 256, 320, 400, 480, 640, 800, 960, 1280, 1600, 1920, 2560, 3840)
"""Pixels of a side that anyone may ask for: a size in between is answered with the next larger one."""
QUALITIES = (30, 50, 65, 80, 90)
"""Likewise of `q`."""
MOST_SIDE = 16_383
"""Pixels: WebP's largest. Signed sizes go up to it."""
MOST_PIXELS = 40_000_000
"""Of what is made."""
MOST_BYTES = 32 << 20
"""Of a picture that is made."""
MOST_FILM_BYTES = 8 << 30

SUFFIXES = {"webp": "webp", "avif": "avif", "jpeg": "jpeg", "png": "png"}
TYPES: dict[Format, str] = {"webp": "image/webp", "avif": "image/avif", "jpeg": "image/jpeg", "png": "image/png"}
DEFAULT_QUALITY: dict[Format, int] = {"webp": 80, "avif": 65, "jpeg": 80, "png": 80}
READABLE = frozenset(
    {"image/jpeg", "image/png", "image/webp", "image/gif", "image/tiff", "image/avif", "image/heic", "image/heif"}
)
"""Pictures with a decoder that is tested against hostile files; SVG, BMP and JPEG XL have none."""

_NUMBER = re.compile(r"[1-9][0-9]{0,4}")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A still or moving picture in a box of at most `w` × `h` pixels; never larger than its original.

    `inside` fits it in, `contain` pads it to the box, `cover` fills the box and cuts off what does not fit.
    """

    name: str
    w: int
    h: int
    fit: Fit = "inside"
    format: Format = "webp"
    q: int = 80

    @property
    def suffix(self) -> str:
        return SUFFIXES[self.format]

    @property
    def content_type(self) -> str:
        return TYPES[self.format]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """H.264 in MP4, its shorter side `side` pixels at most; with AAC sound unless `muted`."""

    name: str
    side: int
    seconds: float | None = None
    """From the beginning; None: all of it."""
    muted: bool = False
    rate: int | None = None
    """Frames a second at most."""

    suffix = "mp4"
    content_type = "video/mp4"


Wanted = Picture | Film

THUMB = Picture(name="thumb", w=400, h=400)
POSTER = Picture(name="poster", w=1280, h=1280)
FILMS: dict[str, Film] = {
    film.name: film
    for film in (
        Film(name="preview", side=360, seconds=5.0, muted=True, rate=15),
        Film(name="480p", side=480),
        Film(name="720p", side=720),
        Film(name="1080p", side=1080),
    )
}
NAMED: dict[str, Wanted] = {THUMB.name: THUMB, POSTER.name: POSTER, **FILMS}
WIDTHS = (320, 640, 1280, 1920)
"""Of which an item's `renditions` tell the URLs."""


def parse(asked: Mapping[str, str], *, accept: str, exact: bool) -> Wanted:
    """What `w h fit format q rendition` of a query ask for. `exact`: sizes are as signed, and not snapped to the ladder.

    Raises `errors.InvalidRequest`, which names the parameter.
    """
    name = asked.get("rendition")
    if name is not None:
        if len(asked) > 1:
            raise _wrong("rendition", "can't be combined with w, h, fit, format and q; ask for one or the other")
        if name not in NAMED:
            raise _wrong("rendition", f"is one of {', '.join(NAMED)}, not {name[:40]!r}")
        return NAMED[name]
    w, h = _side(asked, "w", exact=exact), _side(asked, "h", exact=exact)
    fit = _fit(asked.get("fit", "inside"))
    if w is None or h is None:
        fit = "inside"  # a box that is open on one side is neither filled nor padded
    form = _format(asked.get("format"), accept)
    q = _quality(asked.get("q"), form, exact=exact)
    box = (w or MOST_SIDE, h or MOST_SIDE) if w or h else (LADDER[-1], LADDER[-1])
    if fit != "inside" and box[0] * box[1] > MOST_PIXELS:
        raise _wrong("w", f"and h come to more than {MOST_PIXELS} pixels")
    return Picture(name=_name(w, h, fit, form, q), w=box[0], h=box[1], fit=fit, format=form, q=q)


def offered(kind: str, content_type: str | None, *, width: int | None, height: int | None) -> dict[str, dict[str, str]]:
    """What there is to ask for, and how: names and the query of each. Nothing where nothing can be made."""
    named = {name: {"rendition": name} for name in ("thumb",)}
    if kind == "image" and content_type in READABLE:
        return named | {f"w{w}": {"w": str(w)} for w in WIDTHS if width is not None and w < width}
    if kind == "video":
        side = min(width, height) if width and height else 0
        films = [film.name for film in FILMS.values() if film.seconds or film.side == 480 or film.side <= side]
        return {name: {"rendition": name} for name in ("thumb", "poster", *films)}
    return {}


def require(wanted: Wanted, kind: str) -> None:
    """Raises `errors.InvalidRequest` where no item of this kind has such a rendition."""
    if kind == "video" and wanted.name in NAMED:
        return
    if kind == "image" and isinstance(wanted, Picture) and wanted.name != POSTER.name:
        return
    has = {"video": f"rendition={'|'.join(NAMED)}", "image": "rendition=thumb, w, h, fit, format and q"}.get(kind)
    told = f"of a {'picture' if kind == 'image' else kind} there are {has}" if has else "there are none of sounds"
    raise errors.InvalidRequest(f"There is no such rendition: {told}.", pointer="/rendition")


def _name(w: int | None, h: int | None, fit: Fit, form: Format, q: int) -> str:
    parts = [f"w{w}" if w else "", f"h{h}" if h else "", fit if fit != "inside" else "", form]
    return "-".join([part for part in parts if part] + ([f"q{q}"] if form != "png" else []))


def _side(asked: Mapping[str, str], name: str, *, exact: bool) -> int | None:
    if name not in asked:
        return None
    pixels = _number(asked[name], name, most=MOST_SIDE)
    return pixels if exact else next((step for step in LADDER if step >= pixels), LADDER[-1])


def _quality(text: str | None, form: Format, *, exact: bool) -> int:
    if text is None:
        return DEFAULT_QUALITY[form]
    q = _number(text, "q", most=100)
    return q if exact else min(QUALITIES, key=lambda step: abs(step - q))


def _number(text: str, name: str, *, most: int) -> int:
    if not _NUMBER.fullmatch(text) or int(text) > most:
        raise _wrong(name, f"is a whole number from 1 to {most}, not {text[:20]!r}")
    return int(text)


def _fit(text: str) -> Fit:
    match text:
        case "cover" | "contain" | "inside":
            return text
        case _:
            raise _wrong("fit", f"is cover, contain or inside, not {text[:20]!r}")


def _format(text: str | None, accept: str) -> Format:
    match text:
        case None:
            return "webp"
        case "webp" | "avif" | "jpeg" | "png":
            return text
        case "auto":
            return best(accept)
        case _:
            raise _wrong("format", f"is webp, avif, jpeg, png or auto, not {text[:20]!r}")


def best(accept: str) -> Format:
    """The smallest format that an Accept header names (RFC 9110, section 12.5.1); wildcards promise nothing."""
    taken = set()
    for part in accept.lower().split(","):
        kind, *parameters = (piece.strip() for piece in part.split(";"))
        if not any(re.fullmatch(r"q=0(\.0*)?", one) for one in parameters):
            taken.add(kind)
    return "avif" if "image/avif" in taken else "webp" if "image/webp" in taken else "jpeg"


def _wrong(name: str, why: str) -> errors.InvalidRequest:
    return errors.InvalidRequest(f"The parameter {name} {why}.", pointer=f"/{name}")
