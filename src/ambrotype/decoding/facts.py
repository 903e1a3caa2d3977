"""What a probe finds out about a file."""

import dataclasses
import math
from typing import Any

from ambrotype.core import types

MAX_SIDE = 2**31 - 1
MAX_CODECS = 16


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Width and height in pixels, as displayed (turned as the file asks); duration in seconds; codecs by
    FFmpeg's names.

    None is what the file does not say. `complete` is False where a file with holes hid the answer.
    """

    media: types.MediaType
    width: int | None = None
    height: int | None = None
    duration: float | None = None
    codecs: tuple[str, ...] = ()
    animated: bool = False
    complete: bool = True

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self) | {"media": self.media.content_type}


def from_json(raw: dict[str, Any]) -> Facts:
    """Checked field by field, since a taken-over child may answer anything. Raises ValueError."""
    media = types.TYPES.get(str(raw.get("media")))
    codecs = raw.get("codecs", ())
    if media is None or not isinstance(codecs, list | tuple) or len(codecs) > MAX_CODECS:
        raise ValueError("no facts")
    return Facts(
        media=media,
        width=_side(raw.get("width")),
        height=_side(raw.get("height")),
        duration=_seconds(raw.get("duration")),
        codecs=tuple(str(codec)[:40] for codec in codecs),
        animated=raw.get("animated") is True,
        complete=raw.get("complete") is True,
    )


def _side(value: object) -> int | None:
    if value is None:
        return None
    if type(value) is not int or not 0 < value <= MAX_SIDE:
        raise ValueError("a side that is no number of pixels")
    return value


def _seconds(value: object) -> float | None:
    if value is None:
        return None
    if not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ValueError("a duration that is no number of seconds")
    return float(value)
