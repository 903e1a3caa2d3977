"""What a child can be asked to do. Each operation takes the open file and plain arguments, and answers with
plain JSON.

`prepare` runs before the child gives its rights up: whatever a decoder opens or loads has to be had by then.
"""

from collections.abc import Callable
from typing import Any

from ambrotype.core import errors, renditions, types
from ambrotype.decoding import glance as glances
from ambrotype.decoding import images, streams, structure, svg
from ambrotype.decoding.facts import Facts
from ambrotype.decoding.inspection import credentials, details, embedded, exif, look
from ambrotype.decoding.reading import Reader
from ambrotype.decoding.rendering import films, pictures


def probe(fd: int, *, content_type: str, holes: bool) -> dict[str, Any]:
    """Facts of a file. `content_type` is what its first bytes say; with `holes` only its head and tail are
    real.

    Raises `errors.NotMedia`, `errors.UnsupportedType`, `errors.Truncated`; the latter, and a header that
    can't be read, are no failures of a file with holes.
    """
    file = Reader(fd)
    media = types.TYPES[content_type]
    try:
        media = _behind_tag(file, types.recognise(file.at(0, types.HEAD_BYTES)))
        if not holes:
            structure.check(file, media.content_type)
        found = images.probe(file, media) if media.kind == "image" else streams.probe(file, media)
    except (errors.NotMedia, errors.Truncated):
        if not holes:
            raise
        found = Facts(media=media, complete=False)
    return found.to_json()


def _behind_tag(file: Reader, media: types.MediaType) -> types.MediaType:
    """An ID3 tag says nothing about what follows it: usually MP3, but FLAC, ADTS and AIFF have been seen."""
    tag = file.at(0, 10)
    if media.content_type != "audio/mpeg" or tag[:3] != b"ID3" or len(tag) < 10:
        return media
    length = 0
    for byte in tag[6:10]:
        length = length << 7 | byte & 0x7F
    behind = file.at(10 + length + (10 if tag[5] & 0x10 else 0), types.HEAD_BYTES)
    if not behind:
        raise errors.Truncated(f"The file ends after {file.size} bytes, inside its ID3 tag; it was cut off.")
    try:
        found = types.recognise(behind)
    except (errors.NotMedia, errors.UnsupportedType):
        return media
    return found if found.kind == "audio" else media


def texts(fd: int, *, content_type: str) -> dict[str, Any]:
    """What generators and cameras left in the file: `{"texts": [{"where", "key", "text"}, …], "cut"}`."""
    return embedded.read(Reader(fd), types.TYPES[content_type]).to_json()


def appearance(fd: int, *, content_type: str) -> dict[str, Any]:
    """`{"thumbhash", "phash"}`, empty where nothing can be seen. Raises `errors.NotMedia`."""
    found = look.of(Reader(fd), types.TYPES[content_type])
    return found.to_json() if found is not None else {}


def facts(fd: int, *, content_type: str) -> dict[str, Any]:
    """How the file is coded. Raises `errors.NotMedia`."""
    return details.of(Reader(fd), types.TYPES[content_type])


def glance(fd: int, *, content_type: str) -> dict[str, Any]:
    """`{"width", "height", "rgb"}`, empty where nothing can be seen. Raises `errors.NotMedia`."""
    return look.pixels(Reader(fd), types.TYPES[content_type], side=glances.SIDE)


def c2pa(fd: int, *, content_type: str) -> dict[str, Any]:
    """`{"state", "manifests", "detail"}` of the file's Content Credentials."""
    return credentials.read(Reader(fd), types.TYPES[content_type])


def picture(
    fd: int, output: int, *, content_type: str, wanted: dict[str, Any], source_type: str | None
) -> dict[str, Any]:
    """Writes a smaller picture to `output`. Raises `errors.NotMedia` and `errors.UnsupportedType`."""
    spec = renditions.Picture(**wanted)
    pictures.write(output, pictures.make(Reader(fd), types.TYPES[content_type], spec, source_type=source_type))
    return {}


def film(fd: int, output: int, *, content_type: str, wanted: dict[str, Any], source_type: str | None) -> dict[str, Any]:
    """Writes a smaller film to `output`: `{"width", "height"}`. Raises `errors.NotMedia` and `errors.UnsupportedType`."""
    spec = renditions.Film(**wanted)
    return films.make(Reader(fd), types.TYPES[content_type], spec, output, source_type=source_type)


def prepare() -> None:
    images.prepare()
    streams.prepare()
    svg.prepare()
    credentials.prepare()
    exif.prepare()


OPERATIONS: dict[str, Callable[..., dict[str, Any]]] = {
    "probe": probe,
    "texts": texts,
    "appearance": appearance,
    "facts": facts,
    "glance": glance,
    "c2pa": c2pa,
    "picture": picture,
    "film": film,
}
