"""Suggested tags are what a prompt is about, without the syntax of generators, in any language."""

import pytest

from ambrotype.core import keywords


@pytest.mark.parametrize(
    ("prompt", "tags"),
    [
        ("a red fox in the snow, golden hour", ["red fox", "golden hour", "snow"]),
        ("(masterpiece, best quality:1.4), ((red fox)), [snow], <lora:foxes:0.8>, 8k", ["red fox", "snow"]),
        ("red fox::2 snow::-0.5 --ar 16:9 --v 6.1", ["red fox", "snow"]),
        ("Der Fuchs sitzt unter einer alten Eiche", ["fuchs sitzt", "alten eiche"]),
        ("лиса в снегу, закат", ["лиса", "снегу", "закат"]),
        ("一只红色的狐狸在雪地里", ["红色", "狐狸", "雪地里"]),
        ("夕焼けの富士山", ["夕焼", "富士山"]),
        ("https://example.com/fox.png a fox BREAK a bear", ["fox", "bear"]),
        ("1girl, 2024, 3", ["1girl"]),
        ("the of and", []),
        ("", []),
        (None, []),
    ],
)
def test_what_a_prompt_is_about(prompt: str | None, tags: list[str]) -> None:
    assert keywords.suggest(prompt) == tags


def test_at_most_twelve() -> None:
    assert len(keywords.suggest(", ".join(f"animal{n}" for n in range(50)))) == 12


def test_what_was_refused_is_not_suggested_again() -> None:
    assert keywords.suggest("a red fox, snow", without=["Snow"]) == ["red fox"]
