"""What a job cost: the provider's bill, else the settings' prices."""

from typing import Any

import pytest

from ambrotype import providers
from ambrotype.core import costs, errors
from ambrotype.providers import contract, pricing

FILM = contract.Output(url="https://x.example/v.mp4", kind="video")
FRAME = contract.Output(url="https://x.example/f.png", kind="image", role="last_frame")
PICTURE = contract.Output(url="https://x.example/i.png", kind="image")
TOKENS = contract.Cost(units=1106, unit="token", parts={"input_token": 50, "output_token": 1056})


def price(amount: float, unit: str | None = None, currency: str = "USD") -> dict[str, Any]:
    return {"amount": amount, "currency": currency, **({"unit": unit} if unit else {})}


def shape(
    amount: float | None, currency: str | None, units: float | None, unit: str | None, estimated: bool
) -> dict[str, Any]:
    return {"amount": amount, "currency": currency, "units": units, "unit": unit, "estimated": estimated}


@pytest.mark.parametrize(
    ("table", "told", "outputs", "settings", "expected"),
    [
        ({}, None, (PICTURE,), {}, None),
        ({}, contract.Cost(units=2), (PICTURE,), {}, shape(None, None, 2, None, False)),
        ({}, contract.Cost(amount=0.5), (PICTURE,), {}, shape(0.5, "USD", None, None, False)),
        ({"m": price(9)}, contract.Cost(amount=0.5, currency="EUR"), (), {}, shape(0.5, "EUR", None, None, False)),
        (
            {"m": price(0.25, "megapixel")},
            contract.Cost(units=2),
            (PICTURE,),
            {},
            shape(0.5, "USD", 2, "megapixel", False),
        ),
        (
            {"*": price(0.5, "second")},
            contract.Cost(units=3, unit="second", estimated=True),
            (FILM,),
            {},
            shape(1.5, "USD", 3, "second", True),
        ),
        ({"m": price(0.5, "image")}, None, (PICTURE, PICTURE), {}, shape(1.0, "USD", 2, "image", True)),
        ({"m": price(0.5, "image")}, None, (FILM, FRAME), {}, None),
        ({"m": price(0.5, "output")}, None, (FILM, FRAME), {}, shape(0.5, "USD", 1, "output", True)),
        ({"m": price(0.5, "run")}, None, (FILM,), {}, shape(0.5, "USD", 1, "run", True)),
        ({"m": price(0.5)}, None, (FILM,), {}, shape(0.5, "USD", 1, None, True)),
        ({"m": price(0.5, "second")}, None, (FILM,), {"duration": "8s"}, shape(4.0, "USD", 8, "second", True)),
        ({"m": price(0.5, "second")}, None, (FILM,), {}, None),
        (
            {"m": price(0.5, "second")},
            contract.Cost(units=7, unit="token"),
            (FILM,),
            {},
            shape(None, None, 7, "token", False),
        ),
        (
            {"m": [price(0.5, "input_token"), price(2, "output_token")]},
            TOKENS,
            (PICTURE,),
            {},
            shape(2137.0, "USD", 1106, "token", False),
        ),
        (
            {"m": [price(0.5, "input_token"), price(2, "missing")]},
            TOKENS,
            (PICTURE,),
            {},
            shape(None, None, 1106, "token", False),
        ),
        ({"m": price(2, "output_token")}, TOKENS, (PICTURE,), {}, shape(2112.0, "USD", 1056, "output_token", False)),
        ({"m*": price(9), "m": price(1), "*": price(7)}, None, (PICTURE,), {}, shape(1.0, "USD", 1, None, True)),
        ({"other/*": price(9)}, None, (PICTURE,), {}, None),
    ],
)
def test_the_cost(table: Any, told: Any, outputs: Any, settings: Any, expected: Any) -> None:
    provider = providers.make("fal", contract.Config(api_key="k", price=costs.checked(table, "AMBROTYPE_FAL_PRICE")))
    progress = contract.Progress(job_id="1", status="completed", outputs=outputs, cost=told)
    assert pricing.cost(provider, model="m", settings=settings, progress=progress) == expected


def test_what_made_nothing_costs_nothing_unless_it_was_billed() -> None:
    provider = providers.make("fal", contract.Config(api_key="k", price={"*": price(1)}))
    failed = contract.Progress(job_id="1", status="failed", failure=contract.Failure(code="failed", detail="no"))
    assert pricing.cost(provider, model="m", settings={}, progress=failed) is None
    billed = contract.Progress(job_id="1", status="failed", cost=contract.Cost(units=2))
    assert pricing.cost(provider, model="m", settings={}, progress=billed) == shape(2.0, "USD", 2, None, False)


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
        [price(1), 3],
        {"amount": float("inf")},
    ],
)
def test_a_price_that_is_none_is_named(entry: Any) -> None:
    with pytest.raises(errors.InvalidSetting, match=r"AMBROTYPE_FAL_PRICE: the price of 'a/\*' must be like"):
        costs.checked({"a/*": entry}, "AMBROTYPE_FAL_PRICE")


def test_prices_that_add_up_have_one_currency() -> None:
    with pytest.raises(errors.InvalidSetting, match="one currency"):
        costs.checked({"a": [price(1, "x"), price(1, "y", "EUR")]}, "AMBROTYPE_FAL_PRICE")
