"""Real media, made by the encoders themselves, small and of many shapes."""

import fractions
import io
import struct
import tempfile
import zlib
from pathlib import Path

import av
import pyvips

WIDTH, HEIGHT = 64, 48


def pictures() -> dict[str, bytes]:
    """Whole pictures of 64 × 48 pixels by name; the name's end is the extension."""
    noise = pyvips.Image.gaussnoise(WIDTH, HEIGHT, mean=128, sigma=50, seed=7).cast("uchar")
    colour = noise.bandjoin([noise.rot180(), noise.fliphor()]).copy(interpretation="srgb")
    frames = pyvips.Image.arrayjoin([colour, colour.invert(), colour.flipver()], across=1)
    moving = frames.copy()
    moving.set_type(pyvips.GValue.gint_type, "page-height", HEIGHT)
    thumbnailed = colour.copy()
    thumbnailed.set_type(pyvips.GValue.gstr_type, "exif-ifd0-Artist", "A. N. Other (A. N. Other, ASCII, 12)")
    png = colour.write_to_buffer(".png")
    return {
        "plain.jpg": colour.write_to_buffer(".jpg"),
        "progressive.jpg": colour.write_to_buffer(".jpg", interlace=True, Q=95),
        "grey.jpg": noise.write_to_buffer(".jpg"),
        "restarts.jpg": colour.write_to_buffer(".jpg", restart_interval=2),
        "cmyk.jpg": colour.bandjoin(noise).copy(interpretation="cmyk").write_to_buffer(".jpg"),
        "exif.jpg": thumbnailed.write_to_buffer(".jpg"),
        "plain.png": png,
        "interlaced.png": colour.write_to_buffer(".png", interlace=True),
        "palette.png": colour.write_to_buffer(".png", palette=True),
        "deep.png": colour.cast("ushort", shift=True).write_to_buffer(".png"),
        "animated.png": apng(png),
        "plain.webp": colour.write_to_buffer(".webp"),
        "lossless.webp": colour.bandjoin(noise).write_to_buffer(".webp", lossless=True),
        "animated.webp": moving.write_to_buffer(".webp"),
        "plain.gif": colour.write_to_buffer(".gif"),
        "animated.gif": moving.write_to_buffer(".gif"),
        "plain.avif": colour.write_to_buffer(".avif", effort=0),
        "plain.heic": heic(),
        "plain.tif": colour.write_to_buffer(".tif"),
        "lzw.tif": colour.write_to_buffer(".tif", compression="lzw"),
        "tiled.tif": colour.write_to_buffer(".tif", tile=True, tile_width=16, tile_height=16, pyramid=True),
        "big.tif": colour.write_to_buffer(".tif", bigtiff=True),
        "plain.bmp": bmp(),
        "plain.svg": b'<?xml version="1.0"?><!-- drawn --><svg xmlns="http://www.w3.org/2000/svg" '
        b'width="64" height="48"><rect width="9" height="9"/></svg>',
    }


def apng(png: bytes) -> bytes:
    """The same picture with an animation control chunk of one frame behind its header."""
    body = b"acTL" + struct.pack(">II", 1, 0)
    return png[:33] + struct.pack(">I", 8) + body + struct.pack(">I", zlib.crc32(body)) + png[33:]


def bmp() -> bytes:
    pixels = bytes(range(256)) * (WIDTH * HEIGHT * 3 // 256)
    header = struct.pack("<IiiHHIIiiII", 40, WIDTH, HEIGHT, 1, 24, 0, len(pixels), 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(pixels), 0, 0, 54) + header + pixels


def box(name: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), name) + body


def full(name: bytes, version: int, *parts: bytes) -> bytes:
    return box(name, struct.pack(">I", version << 24), *parts)


def heic(*, turns: int = 0) -> bytes:
    """A HEIC picture around one HEVC frame; `turns` quarter turns are asked for by its irot property."""
    film = film_of("libx265", "mp4", frames=3, options={"x265-params": "log-level=none:pools=none:frame-threads=1"})
    at = film.index(b"hvcC") - 4
    configuration = film[at : at + int.from_bytes(film[at : at + 4], "big")]
    with av.open(io.BytesIO(film)) as container:
        frame = bytes(next(container.demux(video=0)))
    properties = [
        configuration,
        full(b"ispe", 0, struct.pack(">II", WIDTH, HEIGHT)),
        full(b"pixi", 0, b"\3\x08\x08\x08"),
        box(b"irot", bytes([turns])),
    ]

    def meta(offset: int) -> bytes:
        return full(
            b"meta",
            0,
            full(b"hdlr", 0, bytes(4), b"pict", bytes(13)),
            full(b"pitm", 0, struct.pack(">H", 1)),
            full(b"iloc", 0, b"\x44\x00", struct.pack(">HHHHII", 1, 1, 0, 1, offset, len(frame))),
            full(b"iinf", 0, struct.pack(">H", 1), full(b"infe", 2, struct.pack(">HH4s", 1, 0, b"hvc1"), b"\0")),
            box(b"iprp", box(b"ipco", *properties), full(b"ipma", 0, b"\0\0\0\1\0\1\4\x81\2\3\x84")),
        )

    brands = box(b"ftyp", b"heic", bytes(4), b"mif1heic")
    return brands + meta(len(brands) + len(meta(0)) + 8) + box(b"mdat", frame)


def film_of(
    codec: str,
    container_format: str,
    *,
    frames: int = 8,
    sound: str | None = None,
    turned: int = 0,
    options: dict[str, str] | None = None,
    muxing: dict[str, str] | None = None,
) -> bytes:
    with (
        tempfile.NamedTemporaryFile() as written,
        av.open(written.name, "w", format=container_format, options=muxing or {}) as container,
    ):
        track = container.add_stream(codec, rate=8, options=options or {})
        track.width, track.height, track.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        if turned:
            track.set_display_rotation(turned)
        voice = container.add_stream(sound, rate=48000, layout="mono") if sound else None
        for number in range(frames):
            frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes([number * 20 % 256]) * plane.buffer_size)
            frame.pts, frame.time_base = number, fractions.Fraction(1, 8)
            container.mux(track.encode(frame))
        container.mux(track.encode())
        if voice is not None:
            sing(container, voice)
        container.close()
        return Path(written.name).read_bytes()


def sound_of(codec: str, container_format: str, *, muxing: dict[str, str] | None = None) -> bytes:
    written = io.BytesIO()
    with av.open(written, "w", format=container_format, options=muxing or {}) as container:
        sing(container, container.add_stream(codec, rate=48000, layout="mono"))
    return written.getvalue()


def sing(container: av.container.OutputContainer, voice: av.AudioStream) -> None:
    resampler = av.AudioResampler(voice.codec_context.format.name, "mono", 48000)
    for number in range(24):
        tone = av.AudioFrame("s16", "mono", 1024)
        tone.sample_rate, tone.pts = 48000, number * 1024
        tone.planes[0].update(bytes(range(256)) * 8)
        for part in resampler.resample(tone):
            container.mux(voice.encode(part))
    container.mux(voice.encode())


def films() -> dict[str, bytes]:
    """Whole videos and sounds by name; videos are of 64 × 48 pixels."""
    return {
        "plain.mp4": film_of("libx264", "mp4", sound="aac"),
        "faststart.mp4": film_of("libx264", "mp4", muxing={"movflags": "faststart"}),
        "fragmented.mp4": film_of("libx264", "mp4", muxing={"movflags": "frag_keyframe+empty_moov"}),
        "plain.mov": film_of("libx264", "mov"),
        "plain.webm": film_of("libvpx-vp9", "webm", sound="libopus"),
        "live.webm": film_of("libvpx-vp9", "webm", muxing={"live": "1"}),
        "plain.mkv": film_of("libx264", "matroska"),
        "plain.avi": film_of("mpeg4", "avi"),
        "plain.ts": film_of("mpeg2video", "mpegts", frames=30),
        "plain.mp3": sound_of("libmp3lame", "mp3"),
        "untagged.mp3": sound_of("libmp3lame", "mp3", muxing={"id3v2_version": "0", "write_xing": "0"}),
        "plain.wav": sound_of("pcm_s16le", "wav"),
        "plain.flac": sound_of("flac", "flac"),
        "opus.ogg": sound_of("libopus", "ogg"),
        "flac.ogg": sound_of("flac", "ogg"),
        "plain.m4a": sound_of("aac", "ipod"),
        "plain.aac": sound_of("aac", "adts"),
        "plain.aiff": sound_of("pcm_s16be", "aiff"),
    }
