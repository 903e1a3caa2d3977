"""Texts come out of every container, whole where they are bearable, cut where they are not; files stay as they are."""

import json
import struct
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import pyvips
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ambrotype.core import recipes, types
from ambrotype.decoding import decoder, findings
from ambrotype.decoding.inspection import exif, iptc
from ambrotype.decoding.inspection.texts import MOST_BYTES, MOST_TEXTS, Texts
from tests.recipes import containers, samples


@pytest.fixture
def texts(reader: decoder.Decoder, tmp_path: Path) -> Callable[[bytes], Awaitable[findings.Texts]]:
    async def run(data: bytes) -> findings.Texts:
        path = tmp_path / "bytes"
        path.write_bytes(data)
        found = await reader.texts(path, types.recognise(data[: types.HEAD_BYTES]))
        assert path.read_bytes() == data
        return found

    return run


FOX = "a fox, ein Füchslein"
GRAPH = json.dumps(samples.COMFY_GRAPH)
XMP = containers.xmp(f"<dc:title>{FOX}</dc:title>")
IPTC = b"\x1c\x02\x78" + struct.pack(">H", len(FOX.encode())) + FOX.encode()
PHOTOSHOP = b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0" + struct.pack(">I", len(IPTC)) + IPTC

FILES: dict[str, Callable[[], bytes]] = {
    "png tEXt": lambda: containers.png(containers.text("parameters", FOX)),
    "png zTXt": lambda: containers.png(containers.compressed("parameters", FOX)),
    "png iTXt": lambda: containers.png(containers.international("parameters", FOX)),
    "png iTXt packed": lambda: containers.png(containers.international("parameters", FOX, packed=True)),
    "png eXIf": lambda: containers.png((b"eXIf", containers.exif({0x010E: FOX}))),
    "png XMP": lambda: containers.png(containers.international("XML:com.adobe.xmp", XMP)),
    "apng comf": lambda: containers.png(behind=(b"comf", b"prompt\0" + FOX.encode("latin-1"))),
    "jpeg COM": lambda: containers.jpeg(containers.segment(0xFE, FOX.encode())),
    "jpeg EXIF": lambda: containers.jpeg(
        containers.segment(0xE1, b"Exif\0\0" + containers.exif({}, comment=containers.unicode_comment(FOX)))
    ),
    "jpeg EXIF little": lambda: containers.jpeg(
        containers.segment(
            0xE1,
            b"Exif\0\0" + containers.exif({}, comment=containers.unicode_comment(FOX, "utf-16-le"), order="<"),
        )
    ),
    "jpeg EXIF with a mark": lambda: containers.jpeg(
        containers.segment(0xE1, b"Exif\0\0" + containers.exif({}, comment=containers.unicode_comment(FOX, "utf-16")))
    ),
    "jpeg XMP": lambda: containers.jpeg(containers.segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP.encode())),
    "jpeg IPTC": lambda: containers.jpeg(containers.segment(0xED, PHOTOSHOP)),
    "webp EXIF": lambda: containers.webp((b"EXIF", containers.exif({0x0110: f"prompt:{FOX}"}))),
    "webp XMP": lambda: containers.webp((b"XMP ", XMP.encode())),
    "avif EXIF": lambda: _with_exif(".avif"),
    "tiff": lambda: _with_exif(".tif"),
    "mp4": lambda: containers.film("mp4", "libx264", {"prompt": FOX}),
    "mov": lambda: containers.film("mov", "libx264", {"comment": FOX}),
    "webm": lambda: containers.film("webm", "libvpx-vp9", {"prompt": FOX}),
    "flac": lambda: containers.sound("flac", "flac", {"prompt": FOX}),
    "mp3": lambda: containers.sound("mp3", "libmp3lame", {"prompt": FOX}),
    "svg": lambda: (
        b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><metadata><![CDATA['
        + FOX.encode()
        + b"]]></metadata></svg>"
    ),
    "stealth": lambda: containers.stealth(FOX),
    "stealth plain": lambda: containers.stealth(FOX, magic=b"stealth_pnginfo"),
    "stealth in colours": lambda: containers.stealth(FOX, magic=b"stealth_rgbcomp"),
    "stealth in colours, plain": lambda: containers.stealth(FOX, magic=b"stealth_rgbinfo"),
    "stealth in WebP": lambda: containers.stealth(FOX, ext=".webp"),
}


def _with_exif(ext: str) -> bytes:
    picture = containers.picture().copy()
    # libvips writes EXIF in ASCII only.
    field = "image-description" if ext == ".tif" else "exif-ifd0-ImageDescription"
    picture.set_type(pyvips.GValue.gstr_type, field, "a fox, ein F")
    return bytes(picture.write_to_buffer(ext))


@pytest.mark.parametrize("name", FILES)
async def test_texts_come_out_of_every_container(
    name: str, texts: Callable[[bytes], Awaitable[findings.Texts]]
) -> None:
    found = await texts(FILES[name]())
    assert any("a fox, ein F" in one.text for one in found.found), found
    assert not found.cut


async def test_a_comfyui_film_brings_its_graph(texts: Callable[[bytes], Awaitable[findings.Texts]]) -> None:
    found = await texts(containers.film("mp4", "libx264", {"prompt": GRAPH}))
    recipe = recipes.read(found.found)
    assert recipe is not None
    assert recipe.prompt == samples.PROMPT


async def test_a_hidden_recipe_of_novelai_is_understood(texts: Callable[[bytes], Awaitable[findings.Texts]]) -> None:
    found = await texts(containers.stealth(json.dumps(samples.NOVELAI)))
    recipe = recipes.read(found.found)
    assert recipe is not None
    assert (recipe.generator, recipe.prompt) == ("NovelAI", samples.PROMPT)


BOMB = zlib.compress(bytes(200 << 20), 9)
HOSTILE: dict[str, Callable[[], bytes]] = {
    "zTXt bomb": lambda: containers.png((b"zTXt", b"parameters\0\0" + BOMB)),
    "iTXt bomb": lambda: containers.png((b"iTXt", b"parameters\0\1\0\0\0" + BOMB)),
    "100,000 chunks": lambda: containers.png(*[containers.text(f"k{n}", "x") for n in range(100_000)]),
    "a huge chunk": lambda: containers.png((b"tEXt", b"parameters\0" + b"x" * (6 << 20))),
    "broken zlib": lambda: containers.png((b"zTXt", b"parameters\0\0" + b"\x78\x9c" + bytes(100))),
    "EXIF that leads out of itself": lambda: containers.jpeg(
        containers.segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + (b"\x0e\x01\x02\0" + b"\xff" * 8) * 99)
    ),
    "EXIF in a circle": lambda: containers.jpeg(
        containers.segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\x08\0\0\0\0\0\0\0")
    ),
    "stealth of garbage": lambda: containers.stealth("", magic=b"stealth_pngcomp" + b"\xff" * 8),
    "4,000 comments": lambda: containers.jpeg(*[containers.segment(0xFE, b"%d" % n) for n in range(4000)]),
    "control characters": lambda: containers.png(containers.text("parameters", "".join(map(chr, range(1, 32))) * 9)),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_files_cost_no_more_than_the_budget(
    name: str, texts: Callable[[bytes], Awaitable[findings.Texts]]
) -> None:
    found = await texts(HOSTILE[name]())
    assert sum(len(one.text.encode()) for one in found.found) <= MOST_BYTES
    assert len(found.found) <= MOST_TEXTS
    assert not any(set(one.text) & {"\0", "\x01", "\x1f"} for one in found.found)


@pytest.mark.parametrize("name", ["zTXt bomb", "iTXt bomb", "100,000 chunks", "a huge chunk"])
async def test_what_was_left_out_is_told(name: str, texts: Callable[[bytes], Awaitable[findings.Texts]]) -> None:
    assert (await texts(HOSTILE[name]())).cut


@given(st.binary(max_size=400).map(lambda tail: b"MM\0*\0\0\0\x08" + tail) | st.binary(max_size=200))
def test_no_exif_makes_its_reader_raise(block: bytes) -> None:
    exif.read(block, Texts())
    exif.blocks(block)


@given(st.binary(max_size=300))
def test_no_iptc_makes_its_reader_raise(block: bytes) -> None:
    iptc.read_resources(iptc.HEADER + b"8BIM\x04\x04" + block, Texts())
    iptc.read(block, Texts())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damage=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=6))
async def test_no_damage_makes_the_child_die(
    damage: list[tuple[float, int]], reader: decoder.Decoder, tmp_path: Path
) -> None:
    data = bytearray(containers.png(containers.text("parameters", FOX), containers.compressed("a", FOX)))
    for place, value in damage:
        data[8 + int(place * (len(data) - 9))] = value
    path = tmp_path / "bytes"
    path.write_bytes(data)
    await reader.texts(path, types.TYPES["image/png"])
