"""Videos of a few seconds, made by the encoders themselves."""

import fractions
import io
from typing import Any

import av

RATE = 24


def film(
    width: int = 320,
    height: int = 180,
    *,
    seconds: float = 2.0,
    sound: bool = False,
    turned: int = 0,
    dark: int = 0,
    form: str = "mp4",
    codec: str = "libx264",
) -> bytes:
    """A ramp of grey that gets brighter; the first `dark` frames are black."""
    written = io.BytesIO()
    with av.open(written, "w", format=form) as container:
        track: Any = container.add_stream(codec, rate=RATE, options={"g": "24", "preset": "ultrafast"})
        track.width, track.height, track.pix_fmt = width, height, "yuv420p"
        if turned:
            track.set_display_rotation(turned)
        voice: Any = container.add_stream("aac", rate=48000, layout="stereo") if sound else None
        for number in range(int(seconds * RATE)):
            frame = av.VideoFrame(width, height, "yuv420p")
            for place, plane in enumerate(frame.planes):
                row = bytes(16 if number < dark else (x * 2 + number) % 200 + 20 for x in range(plane.line_size))
                plane.update(
                    row * (plane.buffer_size // plane.line_size) if place == 0 else b"\x80" * plane.buffer_size
                )
            frame.pts, frame.time_base = number, fractions.Fraction(1, RATE)
            container.mux(track.encode(frame))
        container.mux(track.encode())
        if voice is not None:
            for number in range(int(seconds * 48000 / 1024)):
                tone = av.AudioFrame("fltp", "stereo", 1024)
                tone.sample_rate, tone.pts = 48000, number * 1024
                for plane in tone.planes:
                    plane.update(bytes(4096))
                container.mux(voice.encode(tone))
            container.mux(voice.encode())
    return written.getvalue()


def told(content: bytes) -> dict[str, Any]:
    """What a film is: its streams, its seconds, and whether its index comes first."""
    with av.open(io.BytesIO(content)) as container:
        video = container.streams.video[0]
        frames = [frame for packet in container.demux(video) for frame in packet.decode()]
        return {
            "codecs": [stream.codec_context.name for stream in container.streams],
            "size": (video.width, video.height),
            "seconds": round(float(frames[-1].time or 0) - float(frames[0].time or 0), 1),
            "frames": len(frames),
            "faststart": content.find(b"moov") < content.find(b"mdat"),
        }
