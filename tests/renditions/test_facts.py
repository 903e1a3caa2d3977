"""How a kept file is coded is told with the item."""

import pyvips

from tests.api import stack as stacks
from tests.decoding import samples
from tests.renditions import conftest as house
from tests.renditions import films


def facts(me: stacks.Caller, content: bytes) -> dict[str, object]:
    found = house.inspected(me, house.keep(me, content)["id"])
    assert found["inspection"]["state"] == "done", found["inspection"]
    return {name: value for name, value in found["inspection"]["facts"].items() if value is not None}


def test_of_a_picture(me: stacks.Caller) -> None:
    picture = house.painted(60, 40, alpha=True).cast("ushort", shift=True).copy(interpretation="rgb16")
    assert facts(me, bytes(picture.pngsave_buffer())) == {
        "codecs": ["png"], "rotation": 0, "color_space": "rgb", "bit_depth": 16, "alpha": True, "animated": False,
    }  # fmt: skip


def test_of_a_turned_picture_with_a_profile(me: stacks.Caller) -> None:
    picture = house.painted(60, 40).icc_transform("p3").copy()
    picture.set_type(pyvips.GValue.gint_type, "orientation", 6)
    found = facts(me, bytes(picture.jpegsave_buffer()))
    assert found["rotation"] == 90
    assert "P3" in str(found["color_profile"])


def test_of_an_animation(me: stacks.Caller) -> None:
    found = facts(me, samples.pictures()["animated.gif"])
    assert (found["animated"], found["frames"]) == (True, 3)


def test_of_a_video(me: stacks.Caller) -> None:
    found = facts(me, films.film(sound=True, turned=90))
    assert found["codecs"] == ["h264", "aac"]
    assert (found["rotation"], found["frame_rate"], found["bit_depth"]) == (270, 24.0, 8)
    assert (found["channels"], found["sample_rate"]) == (2, 48000)


def test_of_a_sound(me: stacks.Caller) -> None:
    found = facts(me, samples.sound_of("flac", "flac"))
    assert (found["codecs"], found["channels"], found["sample_rate"]) == (["flac"], 1, 48000)
