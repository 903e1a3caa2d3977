"""What a generation cost: billed units where the provider tells them, prices from the settings, marked where it is an estimate.

A price table maps patterns of model names to prices: `{"fal-ai/flux/*": {"amount": 0.025, "unit": "megapixel",
"currency": "USD"}}`. The longest pattern that fits counts. A list of prices adds up: input and output tokens, say.
"""

import dataclasses
import fnmatch
from collections.abc import Mapping, Sequence
from typing import Any

from ambrotype.core import errors

CURRENCY = "USD"
RUN = frozenset({"run", "request", "generation"})
"""Units of which every generation is one."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """As the API shows it. `amount` in whole units of the currency; None where no price is known."""

    amount: float | None
    currency: str | None
    units: float | None
    unit: str | None
    estimated: bool
    """The units were counted or measured here, or the provider told them as no bill; with a price of the settings
    and billed units it is none."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What is known of a generation's consumption. `billed`: the provider told these units as what it charges."""

    amount: float | None = None
    currency: str | None = None
    units: float | None = None
    unit: str | None = None
    parts: Mapping[str, float] = dataclasses.field(default_factory=dict)
    billed: bool = False
    made: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """Outputs by kind, and all of them as `output`."""
    seconds: float | None = None
    """Length of what was made, where it is known."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Price:
    amount: float
    unit: str | None
    currency: str


def reckon(used: Used, table: Mapping[str, Any], model: str) -> Cost | None:
    """The cost; None where neither the provider nor the table tells anything."""
    if used.amount is not None:
        return Cost(
            amount=used.amount, currency=used.currency or CURRENCY, units=used.units, unit=used.unit, estimated=False
        )
    prices = _prices(table, model)
    counted = [(price, count) for price in prices if (count := _count(used, price.unit)) is not None]
    known = used.units is not None
    if not prices or len(counted) < len(prices):
        return (
            Cost(amount=None, currency=None, units=used.units, unit=used.unit, estimated=not used.billed)
            if known
            else None
        )
    amount = sum(price.amount * count for price, (count, _) in counted)
    estimated = not all(billed for _, (_, billed) in counted)
    price, (units, _) = counted[0]
    if len(prices) > 1:
        return Cost(amount=amount, currency=price.currency, units=used.units, unit=used.unit, estimated=estimated)
    return Cost(amount=amount, currency=price.currency, units=units, unit=price.unit or used.unit, estimated=estimated)


def checked(table: Mapping[str, Any], setting: str) -> Mapping[str, Any]:
    """The table, if it is one. Raises `errors.InvalidSetting` with the sentence that names what is wrong."""
    for pattern, entry in table.items():
        for price in entry if isinstance(entry, list) and entry else [entry]:
            if _price(price) is None:
                raise errors.InvalidSetting(
                    f'{setting}: the price of {pattern!r} must be like {{"amount": 0.025, "unit": "image", "currency": "USD"}},'
                    f" or a list of such prices, not {str(price)[:60]!r}."
                )
        if isinstance(entry, list) and len({price.get("currency", CURRENCY) for price in entry}) > 1:
            raise errors.InvalidSetting(f"{setting}: the prices of {pattern!r} must be in one currency.")
    return table


def _prices(table: Mapping[str, Any], model: str) -> Sequence[_Price]:
    fitting = [pattern for pattern in table if fnmatch.fnmatchcase(model, pattern)]
    if not fitting:
        return ()
    entry = table[max(fitting, key=lambda pattern: (pattern == model, len(pattern)))]
    found = [_price(price) for price in (entry if isinstance(entry, list) else [entry])]
    return [price for price in found if price is not None]


def _price(value: Any) -> _Price | None:
    if not isinstance(value, Mapping) or set(value) - {"amount", "unit", "currency"}:
        return None
    amount, unit, currency = value.get("amount"), value.get("unit"), value.get("currency", CURRENCY)
    right = isinstance(amount, int | float) and not isinstance(amount, bool) and 0 <= amount < float("inf")
    if not right or not isinstance(unit, str | None) or not isinstance(currency, str):
        return None
    return _Price(amount=float(amount or 0), unit=unit, currency=currency)


def _count(used: Used, unit: str | None) -> tuple[float, bool] | None:
    """How many of a price's unit, and whether that was billed.

    A unit that the provider leaves unnamed (fal bills in "units" of the model) is the price's.
    """
    if unit is not None and unit in used.parts:
        return used.parts[unit], used.billed
    if used.units is not None and (unit is None or used.unit in (None, unit)):
        return used.units, used.billed
    if unit is None or unit in RUN:
        return 1.0, False
    if unit in used.made:
        return float(used.made[unit]), False
    if unit in ("second", "video_second", "audio_second") and used.seconds is not None:
        return used.seconds, False
    return None
