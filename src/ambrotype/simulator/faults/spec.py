"""A fault with its options, as one segment of a URL's path: `cut:at=1000:times=2`."""

import dataclasses
import urllib.parse
from collections.abc import Mapping

from ambrotype.core import errors

Value = str | int | float | bool
Table = Mapping[str, Mapping[str, Value]]
"""Fault → its options and their defaults, whose types are the options' types."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Spec:
    """A checked fault."""

    name: str
    options: Mapping[str, Value]
    times: int = 0
    """How many GETs it strikes; 0 = all."""
    nonce: str = ""
    """Tells URLs apart whose requests are counted."""

    @classmethod
    def make(cls, name: str, given: Mapping[str, Value], *, table: Table) -> "Spec":
        """Checks name, options and the types of their values."""
        if name not in table:
            raise errors.InvalidRequest(f"No fault {name!r}: use one of {', '.join(table)}.")
        own = {key: value for key, value in given.items() if key not in ("times", "nonce")}
        options = {key: _converted(name, key, value, table[name]) for key, value in own.items()}
        times = _converted(name, "times", given.get("times", 0), {"times": 0})
        return cls(name=name, options=options, times=int(times), nonce=str(given.get("nonce", "")))

    @classmethod
    def parse(cls, text: str, *, table: Table) -> "Spec":
        """The inverse of `str()`."""
        name, *pairs = text.split(":")
        given: dict[str, Value] = {}
        for pair in pairs:
            key, _, value = pair.partition("=")
            given[key] = urllib.parse.unquote(value)
        return cls.make(name, given, table=table)

    def __str__(self) -> str:
        pairs: dict[str, Value] = dict(self.options)
        if self.times:
            pairs["times"] = self.times
        if self.nonce:
            pairs["nonce"] = self.nonce
        written = (f"{key}={urllib.parse.quote(_text(value), safe='')}" for key, value in pairs.items())
        return ":".join((self.name, *written))


def _text(value: Value) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _converted(fault: str, option: str, value: Value, defaults: Mapping[str, Value]) -> Value:
    if option not in defaults:
        raise errors.InvalidRequest(
            f"The fault {fault!r} has no option {option!r}: use {', '.join((*defaults, 'times'))}."
        )
    wanted = type(defaults[option])
    try:
        if wanted is bool:
            return {"yes": True, "true": True, "no": False, "false": False}[_text(value).lower()]
        return wanted(value)
    except (ValueError, KeyError):
        raise errors.InvalidRequest(
            f"The fault {fault!r} wants {wanted.__name__} for {option!r}, not {str(value)[:50]!r}."
        ) from None
