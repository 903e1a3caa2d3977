"""All texts of a file: which containers hold them where."""

from collections.abc import Callable

from ambrotype.core import errors, types
from ambrotype.decoding.inspection import boxes, exif, iptc, jpeg, png, riff, stealth, tags
from ambrotype.decoding.inspection.texts import MOST_BLOCK, Texts, guess
from ambrotype.decoding.reading import Reader

Step = Callable[[Reader, types.MediaType, Texts], None]


def read(file: Reader, media: types.MediaType) -> Texts:
    """Never raises for what a file holds: a place that can't be read holds nothing, and the next one is tried."""
    texts = Texts()
    for step in STEPS.get(media.content_type, (tags.read,) if media.kind in ("video", "audio") else ()):
        try:
            step(file, media, texts)
        except errors.NotMedia:
            continue
    return texts


def _tiff(file: Reader, media: types.MediaType, texts: Texts) -> None:
    head = file.at(0, MOST_BLOCK)
    exif.read(head, texts)
    blocks = exif.blocks(head)
    texts.add("xmp", "packet", guess(blocks.get(exif.XMP, b"")))
    iptc.read(blocks.get(exif.IPTC, b""), texts)


def _svg(file: Reader, media: types.MediaType, texts: Texts) -> None:
    """ComfyUI puts JSON as character data into the metadata element; what is between the tags is taken as it is."""
    head = file.at(0, MOST_BLOCK)
    begin, end = head.find(b"<metadata"), head.find(b"</metadata>")
    if 0 <= begin < end:
        inside = head[begin:end].partition(b">")[2].strip()
        plain = inside.removeprefix(b"<![CDATA[").removesuffix(b"]]>")
        texts.add("svg", "metadata", guess(plain))


STEPS: dict[str, tuple[Step, ...]] = {
    "image/png": (lambda file, _, texts: png.read(file, texts), stealth.read),
    "image/jpeg": (lambda file, _, texts: jpeg.read(file, texts),),
    "image/webp": (lambda file, _, texts: riff.read(file, texts), stealth.read),
    "image/avif": (boxes.read_picture,),
    "image/heic": (boxes.read_picture,),
    "image/heif": (boxes.read_picture,),
    "image/gif": (boxes.read_picture,),
    "image/tiff": (_tiff,),
    "image/svg+xml": (_svg,),
    "video/mp4": (tags.read, lambda file, _, texts: boxes.read_film(file, texts)),
    "video/quicktime": (tags.read, lambda file, _, texts: boxes.read_film(file, texts)),
}
