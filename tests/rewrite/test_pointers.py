"""Patterns of JSON pointers, and the slots that they name."""

import pytest

from ambrotype.core import errors, pointers


@pytest.mark.parametrize(
    ("pattern", "template", "steps", "slot"),
    [
        ("/scenes/*/scene_start_frame", "{1}", ("scenes", "scene_1", "scene_start_frame"), "scene_1"),
        ("/scenes/*/scene_start_frame", "{1}", ("scenes", "scene_1", "other"), None),
        ("/scenes/*/scene_start_frame", "{1}", ("scenes", "a", "b", "scene_start_frame"), None),
        ("/*/*", "{2}/{1}", ("a", "b/c"), "b/c/a"),
        ("/list/*", "frame_{1}", ("list", "0"), "frame_0"),
        ("/scenes/scene_*/frame", "s{1}", ("scenes", "scene_12", "frame"), "s12"),
        ("/a~1b/~0*", "{1}", ("a/b", "~x"), "x"),
        ("/a.b", "hero", ("a.b",), "hero"),
        ("/a.b", "hero", ("axb",), None),
        ("", "hero", (), "hero"),
        ("/", "hero", ("",), "hero"),
    ],
)
def test_a_pattern_names_the_slot_of_a_place(
    pattern: str, template: str, steps: tuple[str, ...], slot: str | None
) -> None:
    assert pointers.slot(pattern, template).name(steps) == slot


@pytest.mark.parametrize(
    ("pattern", "template"),
    [
        ("scenes/*", "{1}"),
        ("/a~2", "x"),
        ("/a/**", "x"),
        ("/a/*", "{2}"),
        ("/a/*", "{0}"),
        ("/a/*", "{x}"),
        ("/a", ""),
        ("/a", "x" * 256),
        ("/" * 1001, "x"),
    ],
)
def test_a_pattern_that_can_not_be_meant_is_refused_with_its_place(pattern: str, template: str) -> None:
    with pytest.raises(errors.InvalidRequest) as refused:
        pointers.slot(pattern, template)
    assert (refused.value.pointer or "").startswith("/slots/")


def test_pointers_are_escaped() -> None:
    assert pointers.pointer(("a/b", "~", "", "0")) == "/a~1b/~0//0"
    assert pointers.pointer(()) == ""
