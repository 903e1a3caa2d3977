"""Facts of videos and audio, by opening the container and listing its streams with FFmpeg."""

import contextlib
import importlib
import math
import os
import pkgutil
from collections.abc import Iterator
from typing import Any

import av

from ambrotype.core import errors, types
from ambrotype.decoding import isobmff
from ambrotype.decoding.facts import MAX_CODECS, MAX_SIDE, Facts
from ambrotype.decoding.reading import Reader

# Named, never sniffed: FFmpeg also knows playlists and lists of files, which make it open what they name.
DEMUXERS = {
    "video/mp4": "mov",
    "video/quicktime": "mov",
    "video/3gpp": "mov",
    "video/webm": "matroska",
    "video/x-matroska": "matroska",
    "video/x-msvideo": "avi",
    "video/mp2t": "mpegts",
    "video/ogg": "ogg",
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
    "audio/flac": "flac",
    "audio/ogg": "ogg",
    "audio/mp4": "mov",
    "audio/aac": "aac",
    "audio/aiff": "aiff",
    "audio/webm": "matroska",
    "audio/x-matroska": "matroska",
}

# What a container for videos is called when it holds none, and the other way round.
WITHOUT_VIDEO = {
    "video/mp4": "audio/mp4",
    "video/quicktime": "audio/mp4",
    "video/3gpp": "audio/mp4",
    "video/webm": "audio/webm",
    "video/x-matroska": "audio/x-matroska",
    "video/ogg": "audio/ogg",
}
WITH_VIDEO = {"audio/mp4": "video/mp4", "audio/ogg": "video/ogg"}

OPTIONS = {
    "protocol_whitelist": "none",
    "probesize": str(5 * 1024 * 1024),
    "analyzeduration": str(5 * 1_000_000),
}
ATTACHED_PICTURE = 0x0400
"""AV_DISPOSITION_ATTACHED_PIC: a cover, which makes no video of a song."""


def prepare() -> None:
    """Loads all of PyAV, which imports its parts when they are first needed."""
    for module in pkgutil.walk_packages(av.__path__, "av."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def probe(file: Reader, media: types.MediaType) -> Facts:
    """Raises `errors.NotMedia` if FFmpeg can't open it or finds neither video nor audio in it."""
    with opened(file, media) as container:
        return _facts(file, media, container)


@contextlib.contextmanager
def opened(file: Reader, media: types.MediaType) -> Iterator[Any]:
    """The container. Raises `errors.NotMedia` for whatever FFmpeg can't do with it, inside of the block too."""
    demuxer = DEMUXERS[media.content_type]
    os.lseek(file.fd, 0, os.SEEK_SET)  # the position is shared with whoever read the file before
    names = av.ContainerFormat(demuxer, "r").name
    try:
        with (
            os.fdopen(os.dup(file.fd), "rb", buffering=0) as raw,
            av.open(
                raw,
                format=demuxer,
                container_options=OPTIONS | {"format_whitelist": names},
                metadata_errors="replace",  # a title in an old alphabet is no reason to refuse a file
            ) as container,
        ):
            yield container
    except av.FFmpegError as error:
        raise errors.NotMedia(
            f"The file begins like {media.content_type}, but cannot be opened as that ({error.strerror})."
        ) from error


def _facts(file: Reader, media: types.MediaType, container: Any) -> Facts:
    streams = [stream for stream in container.streams if stream.type in ("video", "audio")]
    films = [s for s in streams if s.type == "video" and not int(s.disposition) & ATTACHED_PICTURE]
    if not films and not any(stream.type == "audio" for stream in streams):
        raise errors.NotMedia(f"The {media.content_type} file holds neither video nor audio.")
    renamed = (WITH_VIDEO if films else WITHOUT_VIDEO).get(media.content_type, media.content_type)
    width, height = _sides(file, media, films[0]) if films else (None, None)
    return Facts(
        media=types.TYPES[renamed],
        width=width,
        height=height,
        duration=_duration(container, streams),
        codecs=tuple(_codec(stream) for stream in streams)[:MAX_CODECS],
    )


def _sides(file: Reader, media: types.MediaType, film: Any) -> tuple[int | None, int | None]:
    context = film.codec_context
    if context is None or not (0 < context.width <= MAX_SIDE and 0 < context.height <= MAX_SIDE):
        return None, None
    if DEMUXERS[media.content_type] == "mov" and isobmff.turned(file):
        return context.height, context.width
    return context.width, context.height


def _duration(container: Any, streams: list[Any]) -> float | None:
    """Seconds: what the container says, else its longest stream."""
    found = [container.duration / av.time_base] if container.duration is not None else []
    found = found or [float(s.duration * s.time_base) for s in streams if s.duration and s.time_base]
    longest = max(found, default=-1.0)
    return longest if longest >= 0 and math.isfinite(longest) else None


def _codec(stream: Any) -> str:
    return stream.codec_context.codec.canonical_name if stream.codec_context is not None else "unknown"
