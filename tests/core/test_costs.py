"""What a job cost: the provider's bill, else the settings' prices."""

from typing import Any

import pytest

from ambrotype.core import costs, errors

PICTURES = {"image": 2, "output": 2}
FILM = {"video": 1, "output": 1}
TOKENS = costs.Used(units=1106, unit="token", parts={"input_token": 50, "output_token": 1056}, billed=True)


def price(amount: float, unit: str | None = None, currency: str = "USD") -> dict[str, Any]:
    return {"amount": amount, "currency": currency, **({"unit": unit} if unit else {})}


def cost(
    amount: float | None, currency: str | None, units: float | None, unit: str | None, *, estimated: bool
) -> costs.Cost:
    return costs.Cost(amount=amount, currency=currency, units=units, unit=unit, estimated=estimated)


def reckoned(table: Any, used: costs.Used) -> costs.Cost | None:
    return costs.reckon(used, costs.checked(table, "AMBROTYPE_FAL_PRICE"), "m")


def test_nothing_known_is_no_cost() -> None:
    assert reckoned({}, costs.Used(made=PICTURES)) is None
    assert reckoned({"other/*": price(9)}, costs.Used(made=PICTURES)) is None


def test_an_amount_that_the_provider_tells_counts() -> None:
    assert reckoned({"m": price(9)}, costs.Used(amount=0.5)) == cost(0.5, "USD", None, None, estimated=False)
    told = costs.Used(amount=0.5, currency="EUR", units=2, unit="image")
    assert reckoned({"m": price(9)}, told) == cost(0.5, "EUR", 2, "image", estimated=False)


def test_billed_units_at_a_price_are_no_estimate() -> None:
    billed = costs.Used(units=2, billed=True)
    assert reckoned({}, billed) == cost(None, None, 2, None, estimated=False)
    assert reckoned({"m": price(0.25, "megapixel")}, billed) == cost(0.5, "USD", 2, "megapixel", estimated=False)


def test_measured_and_counted_ones_are() -> None:
    measured = costs.Used(units=3, unit="second", made=FILM)
    assert reckoned({"*": price(0.5, "second")}, measured) == cost(1.5, "USD", 3, "second", estimated=True)
    for unit, used, amount, count in (
        ("image", costs.Used(made=PICTURES), 1.0, 2),
        ("output", costs.Used(made=FILM), 0.5, 1),
        ("run", costs.Used(made=PICTURES), 0.5, 1),
        (None, costs.Used(made=PICTURES), 0.5, 1),
        ("second", costs.Used(made=FILM, seconds=8), 4.0, 8),
    ):
        assert reckoned({"m": price(0.5, unit)}, used) == cost(amount, "USD", count, unit, estimated=True)


def test_what_can_not_be_counted_is_not_guessed() -> None:
    assert reckoned({"m": price(0.5, "image")}, costs.Used(made=FILM)) is None
    assert reckoned({"m": price(0.5, "second")}, costs.Used(made=FILM)) is None
    other = costs.Used(units=7, unit="token", billed=True)
    assert reckoned({"m": price(0.5, "second")}, other) == cost(None, None, 7, "token", estimated=False)


def test_prices_of_several_units_add_up() -> None:
    both = {"m": [price(0.5, "input_token"), price(2, "output_token")]}
    assert reckoned(both, TOKENS) == cost(2137.0, "USD", 1106, "token", estimated=False)
    unknown = {"m": [price(0.5, "input_token"), price(2, "missing")]}
    assert reckoned(unknown, TOKENS) == cost(None, None, 1106, "token", estimated=False)
    assert reckoned({"m": price(2, "output_token")}, TOKENS) == cost(
        2112.0, "USD", 1056, "output_token", estimated=False
    )


def test_the_longest_pattern_counts_and_the_name_itself_most() -> None:
    used = costs.Used(made=PICTURES)
    assert reckoned({"*": price(7), "?": price(9), "m": price(1)}, used) == cost(1.0, "USD", 1, None, estimated=True)
    assert costs.reckon(used, {"*": price(7), "a/*": price(2)}, "a/b") == cost(2.0, "USD", 1, None, estimated=True)


@pytest.mark.parametrize(
    "entry",
    [
        5,
        "1",
        {},
        {"amount": "1"},
        {"amount": -1},
        {"amount": True},
        {"amount": 1, "per": "x"},
        {"amount": 1, "unit": 7},
        {"amount": float("inf")},
        {"amount": float("nan")},
        [price(1), 3],
        [],
    ],
)
def test_a_price_that_is_none_is_named(entry: Any) -> None:
    with pytest.raises(errors.InvalidSetting, match=r"AMBROTYPE_FAL_PRICE: the price of 'a/\*' must be like"):
        costs.checked({"a/*": entry}, "AMBROTYPE_FAL_PRICE")


def test_prices_that_add_up_have_one_currency() -> None:
    with pytest.raises(errors.InvalidSetting, match="one currency"):
        costs.checked({"a": [price(1, "x"), price(1, "y", "EUR")]}, "AMBROTYPE_FAL_PRICE")
