"""Texts in the tags of films and sounds, whatever the container calls them: FFmpeg knows."""

from typing import Any

from ambrotype.core import types
from ambrotype.decoding import streams
from ambrotype.decoding.inspection.texts import Texts
from ambrotype.decoding.reading import Reader

SILENT = frozenset(
    {"major_brand", "minor_version", "compatible_brands", "creation_time", "language", "handler_name", "vendor_id"}
)
"""What muxers write by themselves."""


def read(file: Reader, media: types.MediaType, texts: Texts) -> None:
    """Raises `errors.NotMedia` if FFmpeg can't open the file."""
    with streams.opened(file, media) as container:
        _add(container.metadata, texts)
        for stream in container.streams:
            _add(stream.metadata, texts)


def _add(metadata: dict[str, Any], texts: Texts) -> None:
    for key, text in metadata.items():
        if key.lower() not in SILENT:
            texts.add("tag", key, str(text))
