"""What a probe says of whole, cut and odd files."""

import os
import random
import struct
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import pyvips

from ambrotype.core import errors, types
from ambrotype.decoding import decoder, facts
from tests.decoding.samples import HEIGHT, WIDTH, box, film_of, heic, sound_of

Probe = Callable[..., Awaitable[facts.Facts]]
REFUSED = (errors.NotMedia, errors.Truncated, errors.UnsupportedType)
PICTURE_TYPES = {ext: media.content_type for ext, media in types.EXTENSIONS.items()}


async def test_every_whole_picture_is_accepted_with_its_size(pictures: dict[str, bytes], probe: Probe) -> None:
    for name, data in pictures.items():
        found = await probe(data)
        assert (found.width, found.height, found.complete) == (WIDTH, HEIGHT, True), name
        assert found.media.content_type == PICTURE_TYPES[name.rpartition(".")[2]], name
        assert found.duration is None
        assert found.animated == name.startswith("animated"), name


async def test_every_whole_film_and_sound_is_accepted(films: dict[str, bytes], probe: Probe) -> None:
    for name, data in films.items():
        found = await probe(data)
        assert found.media.content_type == PICTURE_TYPES[name.rpartition(".")[2]], name
        assert found.complete
        assert found.codecs, name
        if found.media.kind == "video":
            assert (found.width, found.height) == (WIDTH, HEIGHT), name
        else:
            assert (found.width, found.height) == (None, None), name
        if name != "live.webm":
            assert found.duration is not None, name
            assert 0.3 < found.duration < 4, name


async def test_codecs_are_told_by_their_names(films: dict[str, bytes], probe: Probe) -> None:
    assert (await probe(films["plain.mp4"])).codecs == ("h264", "aac")
    assert (await probe(films["plain.webm"])).codecs == ("vp9", "opus")
    assert (await probe(films["opus.ogg"])).codecs == ("opus",)


async def test_bytes_behind_the_end_are_tolerated(
    pictures: dict[str, bytes], films: dict[str, bytes], probe: Probe
) -> None:
    for name, data in (pictures | films).items():
        if name.endswith(".svg"):
            continue  # XML allows white space only
        for garbage in (b"\x00" * 64, b"garbage that is no box at all, and long enough to be taken for some"):
            found = await probe(data + garbage)
            assert found.media.content_type == PICTURE_TYPES[name.rpartition(".")[2]], name


def lengths(data: bytes) -> list[int]:
    """Many lengths shorter than the whole: all near both ends, some between."""
    chosen = random.Random(len(data))
    some = {chosen.randrange(1, len(data)) for _ in range(25)}
    return sorted(some | set(range(1, 12)) | {len(data) - n for n in range(1, 12)})


async def test_a_cut_picture_is_never_accepted(pictures: dict[str, bytes], probe: Probe) -> None:
    for name, data in pictures.items():
        if name == "plain.svg":
            data = data.rstrip()
        for length in lengths(data):
            try:
                found = await probe(data[:length])
            except REFUSED:
                continue
            pytest.fail(f"{name} cut to {length} of {len(data)} bytes was accepted: {found}")


async def refusal(probe: Probe, data: bytes) -> str | None:
    """None if the data is read, or refused for a reason that lies in it; else how the decoder ended."""
    try:
        await probe(data)
    except REFUSED as refused:
        return refused.detail if "the decoder of" in refused.detail else None
    return None


TELL_THEIR_END = (".mp4", ".mov", ".mkv", ".avi", ".wav", ".aiff", ".m4a", "plain.webm", ".ogg")


async def test_a_cut_film_is_refused_where_its_format_tells_its_end(films: dict[str, bytes], probe: Probe) -> None:
    for name, data in films.items():
        if not name.endswith(TELL_THEIR_END) or name == "fragmented.mp4":
            continue
        for length in lengths(data):
            try:
                found = await probe(data[:length])
            except REFUSED:
                continue
            pytest.fail(f"{name} cut to {length} of {len(data)} bytes was accepted: {found}")


async def test_other_cut_films_are_read_or_refused_and_harm_nothing(
    films: dict[str, bytes], probe: Probe, reader: decoder.Decoder
) -> None:
    for name, data in films.items():
        if name.endswith(TELL_THEIR_END) and name != "fragmented.mp4":
            continue
        for length in lengths(data):
            assert await refusal(probe, data[:length]) is None, name


async def test_damaged_files_are_read_or_refused_and_harm_nothing(
    pictures: dict[str, bytes], films: dict[str, bytes], probe: Probe
) -> None:
    chosen = random.Random(1)
    for name, data in (pictures | films).items():
        for _ in range(12):
            damaged = bytearray(data)
            for _ in range(chosen.choice((1, 4, 40))):
                damaged[chosen.randrange(len(damaged))] = chosen.randrange(256)
            assert await refusal(probe, bytes(damaged)) is None, name


async def test_a_cut_file_is_called_cut(pictures: dict[str, bytes], films: dict[str, bytes], probe: Probe) -> None:
    for data in (pictures["plain.jpg"], pictures["plain.png"], pictures["plain.gif"], films["plain.mp4"]):
        with pytest.raises(errors.Truncated, match=r"ends after \d+ bytes"):
            await probe(data[: len(data) * 3 // 4])


@pytest.mark.parametrize("orientation", range(1, 9))
async def test_sides_are_as_displayed(orientation: int, probe: Probe) -> None:
    image = pyvips.Image.black(WIDTH, HEIGHT, bands=3).copy(interpretation="srgb")
    image.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    shown = (HEIGHT, WIDTH) if orientation >= 5 else (WIDTH, HEIGHT)
    for suffix in (".jpg", ".tif", ".webp", ".png"):
        found = await probe(image.write_to_buffer(suffix))
        assert (found.width, found.height) == shown, suffix


async def test_turned_heic_and_turned_films_are_as_displayed(probe: Probe) -> None:
    for turned in (heic(turns=1), *(film_of("libx264", kind, turned=90) for kind in ("mp4", "mov"))):
        found = await probe(turned)
        assert (found.width, found.height) == (HEIGHT, WIDTH)
    found = await probe(film_of("libx264", "mp4", turned=180))
    assert (found.width, found.height) == (WIDTH, HEIGHT)


async def test_a_container_for_films_that_holds_sound_only_is_audio(probe: Probe) -> None:
    for container, content_type in (
        ("mp4", "audio/mp4"),
        ("mov", "audio/mp4"),
        ("webm", "audio/webm"),
        ("matroska", "audio/x-matroska"),
    ):
        found = await probe(sound_of("libopus" if container != "mov" else "aac", container))
        assert (found.media.content_type, found.media.kind) == (content_type, "audio")


async def test_what_follows_an_id3_tag_decides(films: dict[str, bytes], probe: Probe) -> None:
    tag = b"ID3\x04\x00\x00" + bytes((0, 0, 0x40, 0)) + bytes(0x40 << 7)
    assert (await probe(tag + films["plain.flac"])).media.content_type == "audio/flac"
    assert (await probe(tag + films["untagged.mp3"])).media.content_type == "audio/mpeg"


async def test_a_streamed_wav_without_sizes_is_whole(films: dict[str, bytes], probe: Probe) -> None:
    for size in (b"\xff\xff\xff\xff", b"\x00\x00\x00\x00"):
        wav = bytearray(films["plain.wav"])
        wav[4:8] = size
        at = wav.index(b"data") + 4
        wav[at : at + 4] = b"\xff\xff\xff\xff"
        assert (await probe(bytes(wav))).media.content_type == "audio/wav"


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


async def test_a_huge_claimed_size_costs_nothing_and_is_told(probe: Probe) -> None:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 60000, 60000, 8, 6, 0, 0, 0))
    bomb = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    found = await probe(bomb)
    assert (found.width, found.height) == (60000, 60000)


async def test_a_picture_without_pixels_is_refused(probe: Probe) -> None:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 0, 0, 8, 6, 0, 0, 0))
    with pytest.raises(errors.NotMedia):
        await probe(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", b"") + chunk(b"IEND", b""))


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ('width="20" height="10"', (20, 10)),
        ('width="1in" height="2.54cm"', (96, 96)),
        ('width="100%" height="100%" viewBox="0 0 30 40"', (30, 40)),
        ('viewBox="0,0,30.4,40"', (30, 40)),
        ("", (None, None)),
    ],
)
async def test_an_svg_has_the_size_it_names(attributes: str, size: tuple[int | None, int | None], probe: Probe) -> None:
    found = await probe(f'<svg xmlns="http://www.w3.org/2000/svg" {attributes}><g/></svg>'.encode())
    assert (found.width, found.height) == size


async def test_svg_that_blows_up_or_is_none_is_refused(probe: Probe) -> None:
    laughs = '<!DOCTYPE svg [<!ENTITY a "ha">' + "".join(
        f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 50}">' for n in range(8)
    )
    for svg in (laughs + "]><svg>&i;</svg>", "<svg><a></svg>", "<svg></svg><html></html>"):
        with pytest.raises(errors.NotMedia):
            await probe(svg.encode())


async def test_an_svg_names_files_in_vain(probe: Probe, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("64")
    found = await probe(f'<!DOCTYPE svg [<!ENTITY x SYSTEM "{secret}">]><svg>&x;</svg>'.encode())
    assert (found.width, found.height) == (None, None)


async def test_the_type_that_decides_is_the_content(
    pictures: dict[str, bytes], reader: decoder.Decoder, tmp_path: Path
) -> None:
    path = tmp_path / "song.mp3"
    path.write_bytes(pictures["plain.png"])
    found = await reader.probe(path, types.TYPES["audio/mpeg"])
    assert found.media.content_type == "image/png"


async def test_a_picture_that_is_also_a_page_stays_a_picture(pictures: dict[str, bytes], probe: Probe) -> None:
    polyglot = pictures["plain.gif"] + b"<html><script>alert(1)</script></html>"
    assert (await probe(polyglot)).media.content_type == "image/gif"


def hollow(path: Path, data: bytes, *, head: int, tail: int, size: int) -> None:
    """Only the first and last bytes of the file are written; the rest is a hole."""
    with path.open("wb") as file:
        file.write(data[:head])
        file.truncate(size)
        file.seek(size - tail)
        file.write(data[len(data) - tail :])


async def test_a_hole_hides_facts_but_refuses_nothing(
    pictures: dict[str, bytes], films: dict[str, bytes], reader: decoder.Decoder, tmp_path: Path
) -> None:
    path = tmp_path / "hollow"
    for name, data in (pictures | films).items():
        for head, tail in ((len(data) // 2, 8), (64, 64), (40, 0)):
            hollow(path, data, head=head, tail=tail, size=len(data))
            media = types.recognise(data[: types.HEAD_BYTES])
            found = await reader.probe(path, media, holes=True)
            assert found.media.kind in (media.kind, "audio"), name
            if not found.complete:
                assert (found.width, found.height, found.duration) == (None, None, None), name


async def test_a_film_whose_index_is_in_the_tail_is_known_in_spite_of_its_hole(
    reader: decoder.Decoder, tmp_path: Path
) -> None:
    film = film_of("libx264", "mp4", frames=200, options={"crf": "1"})
    at = film.index(b"moov") - 4
    path = tmp_path / "hollow"
    hollow(path, film, head=48, tail=len(film) - at, size=len(film))
    found = await reader.probe(path, types.TYPES["video/mp4"], holes=True)
    assert (found.width, found.height, found.complete) == (WIDTH, HEIGHT, True)
    hollow(path, film, head=48, tail=0, size=len(film))
    assert not (await reader.probe(path, types.TYPES["video/mp4"], holes=True)).complete


async def test_a_page_is_no_media_even_with_holes_in_it(reader: decoder.Decoder, tmp_path: Path) -> None:
    path = tmp_path / "page"
    path.write_bytes(b"%PDF-1.7")
    with pytest.raises(errors.UnsupportedType):
        await reader.probe(path, types.TYPES["image/png"], holes=True)


async def test_what_is_no_plain_file_is_refused(reader: decoder.Decoder, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(errors.NotMedia, match="plain file"):
            await reader.probe(path, types.TYPES["image/png"])
    with pytest.raises(FileNotFoundError):
        await reader.probe(tmp_path / "nothing", types.TYPES["image/png"])


async def test_boxes_behind_a_film_may_be_of_unknown_kinds(films: dict[str, bytes], probe: Probe) -> None:
    found = await probe(films["plain.mp4"] + box(b"c2pa", b"x" * 40))
    assert found.media.content_type == "video/mp4"


async def test_jpeg_xl_tells_its_size(probe: Probe) -> None:
    # 64 × 48: small sides (units of 8), height 6 × 8, no fixed ratio, width 8 × 8, all else by default.
    bits = 1 | 5 << 1 | 0 << 6 | 7 << 9 | 1 << 14
    codestream = b"\xff\x0a" + bits.to_bytes(2, "little") + bytes(20)
    contained = b"\x00\x00\x00\x0cJXL \r\n\x87\n" + box(b"ftyp", b"jxl ", bytes(4), b"jxl ") + box(b"jxlc", codestream)
    for data in (codestream, contained):
        found = await probe(data)
        assert (found.media.content_type, found.width, found.height) == ("image/jxl", WIDTH, HEIGHT)


async def test_a_property_that_is_no_text_is_refused_once_and_for_itself(
    pictures: dict[str, bytes], probe: Probe
) -> None:
    damaged = pictures["plain.heic"].replace(b"irot", b"iro\x9c")
    for _ in range(2):
        with pytest.raises(errors.NotMedia, match=r"no picture can be read from it\.") as refused:
            await probe(damaged)
        assert not refused.value.retry
    with pytest.raises(errors.NotMedia, match=r"cHRM|IHDR|png"):
        await probe(pictures["plain.png"].replace(b"IHDR", b"iHDR"))


async def test_titles_in_old_alphabets_are_no_reason_to_refuse(films: dict[str, bytes], probe: Probe) -> None:
    title = b"INFOINAM\x06\x00\x00\x00gr\xf6\xdfer"
    listed = b"LIST" + struct.pack("<I", len(title)) + title
    wav = films["plain.wav"]
    at = wav.index(b"data")
    sized = struct.pack("<I", len(wav) + len(listed) - 8)
    found = await probe(b"RIFF" + sized + wav[8:at] + listed + wav[at:])
    assert found.media.content_type == "audio/wav"
