"""Placeholders and perceptual hashes: near for what looks alike, far for what does not."""

import math
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import pyvips

from ambrotype.core import types
from ambrotype.decoding import decoder, findings
from ambrotype.decoding.inspection import likeness, thumbhash
from tests.decoding import samples as media
from tests.recipes import containers


@pytest.fixture
def look(reader: decoder.Decoder, tmp_path: Path) -> Callable[[bytes], Awaitable[findings.Appearance]]:
    async def run(data: bytes) -> findings.Appearance:
        path = tmp_path / "bytes"
        path.write_bytes(data)
        return await reader.appearance(path, types.recognise(data[: types.HEAD_BYTES]))

    return run


def scene(width: int, height: int, *, seed: int = 5) -> pyvips.Image:
    """Soft blots, the same at every size."""
    blots = pyvips.Image.perlin(512, 512, cell_size=128, seed=seed).linear(110, 128).cast("uchar")
    colour = blots.bandjoin([blots.rot90(), blots.invert()]).copy(interpretation="srgb")
    return colour.thumbnail_image(width, height=height, size="force")


def bits(one: int, other: int) -> int:
    return (one ^ other).bit_count()


@pytest.mark.parametrize("ext", [".jpg", ".png", ".webp", ".avif", ".tif", ".gif"])
async def test_size_and_compression_change_few_bits(
    ext: str, look: Callable[[bytes], Awaitable[findings.Appearance]]
) -> None:
    first = await look(scene(800, 600).write_to_buffer(".png"))
    same = await look(scene(300, 225).write_to_buffer(ext))
    other = await look(scene(800, 600, seed=6).write_to_buffer(ext))
    assert bits(first.phash, same.phash) <= 6
    assert bits(first.phash, other.phash) > 16


async def test_a_films_first_frame_is_its_look(look: Callable[[bytes], Awaitable[findings.Appearance]]) -> None:
    found = await look(containers.film("mp4", "libx264", {}))
    assert found.phash is not None
    assert found.thumbhash is not None


@pytest.mark.parametrize("name", ["plain.svg", "plain.bmp"])
async def test_what_no_safe_decoder_reads_has_no_look(
    name: str, look: Callable[[bytes], Awaitable[findings.Appearance]], pictures: dict[str, bytes]
) -> None:
    assert await look(pictures[name]) == findings.Appearance()


async def test_a_sound_has_no_look(look: Callable[[bytes], Awaitable[findings.Appearance]]) -> None:
    assert await look(media.sound_of("flac", "flac")) == findings.Appearance()


@pytest.mark.parametrize("name", ["cmyk.jpg", "grey.jpg", "deep.png", "palette.png", "lossless.webp", "animated.gif"])
async def test_every_kind_of_pixel_has_a_look(
    name: str, look: Callable[[bytes], Awaitable[findings.Appearance]], pictures: dict[str, bytes]
) -> None:
    assert (await look(pictures[name])).thumbhash is not None


def average(found: bytes) -> tuple[float, float, float]:
    """The average colour in a hash, from its first bytes, as the published decoder has it."""
    header = int.from_bytes(found[:3], "little")
    lightness, p, q = (header & 63) / 63, (header >> 6 & 63) / 31.5 - 1, (header >> 12 & 63) / 31.5 - 1
    blue = lightness - 2 / 3 * p
    red = (3 * lightness - blue + q) / 2
    return red, red - q, blue


def test_a_thumbhash_holds_the_average_colour() -> None:
    found = thumbhash.encode(4, 3, bytes([255, 128, 0, 255]) * 12)
    assert all(math.isclose(a, b, abs_tol=0.04) for a, b in zip(average(found), (1, 0.5, 0), strict=True))


def test_transparency_and_shape_are_told_by_a_thumbhash() -> None:
    solid, glass = (thumbhash.encode(8, 4, bytes([9, 9, 9, alpha]) * 32) for alpha in (255, 100))
    assert not solid[2] & 0x80
    assert glass[2] & 0x80
    assert solid[4] & 0x80
    assert not thumbhash.encode(4, 8, bytes([9, 9, 9, 255]) * 32)[4] & 0x80


def test_a_flat_picture_has_a_quiet_hash() -> None:
    assert likeness.of(bytes([77]) * 1024) == likeness.of(bytes([200]) * 1024) == 0
