"""What an inspection finds. Checked on the way in, since a taken-over child may answer anything."""

import base64
import binascii
import dataclasses
from typing import Any, Literal

from ambrotype.core import media, recipes

MOST_TEXTS = 1024
MOST_HASH = 64
State = Literal["absent", "present", "valid", "invalid"]
TRANSFERS: tuple[Literal["pq", "hlg"], ...] = ("pq", "hlg")
COUNTS = ("rotation", "bit_depth", "frames", "bit_rate", "channels", "sample_rate")
STATES: tuple[State, ...] = ("absent", "present", "valid", "invalid")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """Embedded texts in the order of the file; `cut` if there was more than is read."""

    found: tuple[recipes.Text, ...] = ()
    cut: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Appearance:
    """`phash` is an unsigned number of 64 bits. None where there is nothing to see."""

    thumbhash: bytes | None = None
    phash: int | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """`valid`: signature and hashes fit the file; who signed is not judged. `present`: there, not checked."""

    state: State = "absent"
    manifests: dict[str, Any] | None = None
    detail: str | None = None


def facts(raw: dict[str, Any]) -> media.Facts:
    """What makes no sense is left out."""
    codecs = raw.get("codecs")
    return media.Facts(
        codecs=[str(one)[:40] for one in codecs[:16]] if isinstance(codecs, list) else [],
        color_transfer=next((known for known in TRANSFERS if known == raw.get("color_transfer")), None),
        color_profile=_name(raw.get("color_profile")),
        color_space=_name(raw.get("color_space")),
        **{name: raw[name] for name in ("alpha", "animated") if isinstance(raw.get(name), bool)},
        **{name: raw[name] for name in COUNTS if type(raw.get(name)) is int and 0 <= raw[name] < 1 << 53},
        frame_rate=rate if isinstance(rate := raw.get("frame_rate"), float) and 0 < rate < 1e6 else None,
    )


def _name(value: object) -> str | None:
    return value[:100].replace("\0", "") if isinstance(value, str) else None


def texts(raw: dict[str, Any]) -> Texts:
    found = raw.get("texts")
    listed = found[:MOST_TEXTS] if isinstance(found, list) else []
    return Texts(
        found=tuple(
            recipes.Text(where=one["where"], key=one["key"], text=one["text"])
            for one in listed
            if isinstance(one, dict) and all(isinstance(one.get(name), str) for name in ("where", "key", "text"))
        ),
        cut=raw.get("cut") is True,
    )


def appearance(raw: dict[str, Any]) -> Appearance:
    try:
        thumbhash = base64.b64decode(str(raw["thumbhash"]), validate=True)
        phash = int(str(raw["phash"]), 16)
    except (LookupError, ValueError, binascii.Error):
        return Appearance()
    if not 5 <= len(thumbhash) <= MOST_HASH or not 0 <= phash < 1 << 64:
        return Appearance()
    return Appearance(thumbhash=thumbhash, phash=phash)


def credentials(raw: dict[str, Any]) -> Credentials:
    state: State = next((known for known in STATES if known == raw.get("state")), "absent")
    manifests, detail = raw.get("manifests"), raw.get("detail")
    return Credentials(
        state=state,
        manifests=manifests if isinstance(manifests, dict) else None,
        detail=str(detail)[:200] if detail is not None else None,
    )
