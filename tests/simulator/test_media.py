"""The media are real: other people's decoders read them, and their sizes are exact."""

import io
import random
import struct

import av
import pytest
import pyvips

from ambrotype.core import errors
from ambrotype.simulator import crc32c, media
from ambrotype.simulator.media import bulk

LOADERS = {"jpeg": "jpegload", "png": "pngload", "webp": "webpload", "gif": "gifload", "avif": "heifload"}


def decoded(data: bytes) -> pyvips.Image:
    image = pyvips.Image.new_from_buffer(data, "", fail_on="warning")
    image.avg()  # decodes all of it
    return image


@pytest.mark.parametrize("form", LOADERS)
def test_a_picture_decodes_in_its_format_and_size(form: str) -> None:
    image = decoded(media.picture(7, format=form, width=200, height=120))
    assert image.get("vips-loader").startswith(LOADERS[form])
    assert (image.width, image.height) == (200, 120)


def test_a_seed_has_one_picture_and_another_seed_another() -> None:
    drawn = {media.picture.__wrapped__(7, format="png") for _ in range(3)}  # type: ignore[attr-defined]
    assert drawn == {media.picture(7, format="png")}
    assert media.picture(8, format="png") not in drawn


def test_a_picture_carries_its_seed_in_white_digits() -> None:
    image = decoded(media.picture(1234, format="png"))
    white = (image.extract_band(0, n=3) == 255).bandand()
    assert white.avg() / 255 > 0.02


def test_the_smallest_picture_is_one_pixel() -> None:
    image = decoded(media.picture(7, format="png", width=1, height=1))
    assert (image.width, image.height) == (1, 1)


@pytest.mark.parametrize("width", [0, -1, 100_000])
def test_a_picture_of_no_or_too_many_pixels_is_refused(width: int) -> None:
    with pytest.raises(errors.InvalidRequest, match="pixels"):
        media.picture(7, width=width, height=100_000)


@pytest.mark.parametrize("audio", [False, True])
def test_a_video_plays_from_its_first_to_its_last_frame(audio: bool) -> None:
    data = media.video(7, seconds=1.5, width=160, height=96, fps=10, audio=audio)
    with av.open(io.BytesIO(data)) as container:
        picture = container.streams.video[0]
        assert (picture.codec_context.name, picture.width, picture.height) == ("h264", 160, 96)
        assert [stream.codec_context.name for stream in container.streams.audio] == ["aac"] * audio
        assert len([packet for packet in container.demux(picture) if packet.size]) == 15
        container.seek(0)
        assert len(list(container.decode(picture))) == 15
    assert b"moov" in data


def test_the_index_stands_in_front_or_behind_as_wanted() -> None:
    fast, slow = media.video(7, seconds=0.5), media.video(7, seconds=0.5, faststart=False)
    assert fast.index(b"moov") < fast.index(b"mdat")
    assert slow.index(b"moov") > slow.index(b"mdat")


def test_a_seed_has_one_video() -> None:
    made = {media.video.__wrapped__(3, seconds=0.5, audio=True) for _ in range(8)}  # type: ignore[attr-defined]
    assert made == {media.video(3, seconds=0.5, audio=True)}


@pytest.mark.parametrize("wrong", [{"width": 321}, {"seconds": 0}, {"fps": 1000}, {"width": 10_000}])
def test_a_video_that_h264_cannot_hold_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(errors.InvalidRequest):
        media.video(7, **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(("form", "codec"), [("wav", "pcm_s16le"), ("mp3", "mp3float")])
def test_a_sound_plays(form: str, codec: str) -> None:
    with av.open(io.BytesIO(media.sound(7, format=form, seconds=1.5))) as container:
        stream = container.streams.audio[0]
        assert stream.codec_context.name == codec
        samples = sum(frame.samples for frame in container.decode(stream))
        assert abs(samples - 1.5 * 44_100) <= 3 * 1152  # an MP3 is whole frames and the encoder's delay


@pytest.mark.parametrize("size", [*range(84, 400), 65_535, 1_048_576, 1_048_577, 3_141_592])
def test_a_padded_png_decodes_and_has_exactly_its_size(size: int) -> None:
    data = media.padded_png(size)
    assert len(data) == size
    decoded(data)


def test_padding_beyond_the_noise_is_in_chunks_that_decoders_skip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "_MAX_NOISE", 100)
    for size in (2 * 2**20, 3 * 2**20 + 37, 2**20 + 24 + 400, 2**20 + 25 + 400):
        data = bulk.padded_png.__wrapped__(size, seed=1)  # type: ignore[attr-defined]
        assert len(data) == size
        assert decoded(data).width == 10


def test_padded_pngs_of_different_seeds_differ() -> None:
    assert media.padded_png(5000, seed=1) != media.padded_png(5000, seed=2)


def test_a_png_smaller_than_one_pixel_is_refused() -> None:
    with pytest.raises(errors.InvalidRequest, match="84"):
        media.padded_png(83)


def boxes(data: bytes) -> list[tuple[bytes, int]]:
    found, at = [], 0
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        if size == 1:
            (size,) = struct.unpack(">Q", data[at + 8 : at + 16])
        found.append((kind, size))
        at += size
    assert at == len(data)
    return found


def test_a_big_video_is_a_playable_movie_and_a_free_box_to_its_exact_size() -> None:
    data = b"".join(media.big_video(3_000_001).pieces())
    assert len(data) == 3_000_001
    assert [kind for kind, _ in boxes(data)][-1] == b"free"
    with av.open(io.BytesIO(data)) as container:
        assert len(list(container.decode(video=0))) == 24


def test_any_part_of_a_big_video_is_that_part_of_the_whole() -> None:
    video = media.big_video(50_000_000)
    whole = b"".join(video.pieces())
    assert len(whole) == 50_000_000
    rng = random.Random(1)
    starts = [
        0,
        1,
        len(video.head) - 1,
        len(video.head),
        65_536,
        49_999_999,
        *rng.choices(range(50_000_000), k=200),
    ]
    for start in starts:
        length = rng.choice((1, 100, 65_536, 300_000))
        assert b"".join(video.pieces(start, length)) == whole[start : start + length]
    assert b"".join(video.pieces(12_345_678)) == whole[12_345_678:]


def test_no_two_blocks_of_a_big_video_are_the_same() -> None:
    video = media.big_video(50_000_000)
    blocks = [video._block(number) for number in range(1000)]
    assert len(set(blocks)) == 1000


def test_crc32c_is_castagnolis() -> None:
    # RFC 3720, B.4: 32 bytes of zeros, of ones, ascending; and the usual check value.
    assert crc32c.checksum(bytes(32)) == 0x8A9136AA
    assert crc32c.checksum(b"\xff" * 32) == 0x62A8AB43
    assert crc32c.checksum(bytes(range(32))) == 0x46DD794E
    assert crc32c.checksum(b"123456789") == 0xE3069283
