"""Files in a provider's answer, whatever its shape: objects with a URL, bare URLs, data URIs, base64."""

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ambrotype.core import errors, inline, links, sources, types
from ambrotype.providers import contract, keepable

DEPTH = 16
MOST = 200
"""Outputs of one job."""
ASIDE = frozenset({
    "input", "inputs", "logs", "metrics", "prompt", "revised_prompt", "timings", "urls", "webhook", "callback_url",
    "status_url", "response_url", "cancel_url",
})  # fmt: skip
"""Fields that hold no output, whatever looks like a URL in them."""
TOLD = ("width", "height", "file_size", "duration", "fps", "num_frames", "size")
"""What providers say of a file beside its URL."""
LEAST_BASE64 = 256
"""Characters. A shorter word of that alphabet is a word."""
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{64}")
_TYPE = re.compile(r"[\w.+-]{1,60}/[\w.+-]{1,100}(?:;.{0,100})?", re.ASCII)
_BYTES_AT = ("b64_json", "base64", "image_base64")
_ROLES: tuple[tuple[str, Any], ...] = (
    ("last_frame", "last_frame"),
    ("mask", "mask"),
    ("thumbnail", "thumbnail"),
    ("spritesheet", "spritesheet"),
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a walk found: media, and the addresses of files that are certainly none (models, archives, texts)."""

    outputs: tuple[contract.Output, ...] = ()
    others: int = 0


def found(value: Any) -> Found:
    """All files in the value, in the order in which they stand there, each once."""
    seen: set[str] = set()
    outputs: list[contract.Output] = []
    others = 0
    for output in _walk(value, "", DEPTH):
        if output.url:
            if output.url in seen:
                continue
            seen.add(output.url)
        if _no_media(output):
            others += 1
        elif len(outputs) < MOST:
            outputs.append(dataclasses.replace(output, index=len(outputs)))
    return Found(outputs=tuple(outputs), others=others)


def checked(
    files: Found, flags: Sequence[Any] = (), *, label: str
) -> tuple[tuple[contract.Output, ...], contract.Failure | None]:
    """The outputs of a job that ended well, and what is wrong with them all the same.

    `flags` is the safety checker's word on each output. A flagged one is kept: whether it was blacked out only a look
    at it can tell.
    """
    flagged = [at for at, flag in enumerate(flags) if flag is True]
    outputs = tuple(
        dataclasses.replace(output, metadata={**output.metadata, "nsfw": True}) if output.index in flagged else output
        for output in files.outputs
    )
    if flagged:
        words = (
            f"{label}'s safety checker flagged {len(flagged)} of {len(flags)} outputs; such ones are often blacked out."
        )
        return outputs, contract.Failure(code="blocked", detail=words)
    if outputs:
        return outputs, None
    if files.others:
        words = f"{label} made {files.others} files of types that are not pictures, videos or audio."
        return outputs, contract.Failure(code="unsupported_type", detail=words)
    return outputs, contract.Failure(code="no_output", detail=f"{label} says that the job is done, and names no file.")


def single(value: object) -> contract.Output | None:
    """The file that one string stands for: a URL, a data URI, or base64 that begins like media."""
    if not isinstance(value, str):
        return None
    if value[:5].lower() == "data:":
        read = inline.decode(value)
        return of_bytes(read.data, read.content_type) if read and read.data else None
    if value[:8].lower().startswith(("http://", "https://")):
        return of_url(value)
    if len(value) >= LEAST_BASE64 and _BASE64.match(value):
        read = inline.decode(value)
        return of_bytes(read.data, None) if read and _recognised(read.data) else None
    return None


def of_url(url: str, *, content_type: str | None = None, name: str | None = None) -> contract.Output | None:
    """The file behind a URL; None where it is not one that could be fetched."""
    if links.parse(url) is None or not url.isprintable() or " " in url:
        return None
    name = _printable(name) if name else sources.name_of(url)
    declared = content_type if content_type and _TYPE.fullmatch(content_type) else None
    guess = types.guess(name, declared) or types.guess(sources.name_of(url), None)
    return contract.Output(url=url, content_type=declared, name=name, kind=guess.kind if guess else None)


def of_bytes(data: bytes, content_type: str | None) -> contract.Output:
    """The file that came as bytes. What they are is told by themselves, else by what is said of them."""
    guess = _recognised(data) or types.guess(None, content_type)
    return contract.Output(
        data=data, content_type=guess.content_type if guess else content_type, kind=guess.kind if guess else None
    )


def picture(value: str, content_type: str) -> contract.Output | None:
    """What a field that is certainly a picture holds, be it ever so small: base64, a data URI or a URL."""
    output = single(value)
    if output is not None:
        return output
    read = inline.decode(value)
    return of_bytes(read.data, read.content_type or content_type) if read and read.data else None


def _walk(value: Any, key: str, depth: int) -> Iterator[contract.Output]:
    if depth == 0:
        return
    if isinstance(value, str):
        output = single(value)
        if output:
            yield dataclasses.replace(output, role=_role(key))
    elif isinstance(value, list):
        for inner in value:
            yield from _walk(inner, key, depth - 1)
    elif isinstance(value, dict):
        yield from _object(value, key, depth)


def _object(value: Mapping[str, Any], key: str, depth: int) -> Iterator[contract.Output]:
    output = _file(value)
    if output:
        yield dataclasses.replace(output, role=_role(key))
    for name, inner in value.items():
        if name.lower() not in ASIDE and not (output and name in ("url", *_BYTES_AT)):
            yield from _walk(inner, name if name != "url" else key, depth - 1)


def _file(value: Mapping[str, Any]) -> contract.Output | None:
    """An object that describes one file."""
    told = value.get("content_type") or value.get("mime_type")
    content_type = told if isinstance(told, str) else None
    name = _printable(value["file_name"]) if isinstance(value.get("file_name"), str) else None
    url = value.get("url")
    output = None
    if isinstance(url, str) and (content_type or name) and url[:5].lower() != "data:":
        output = of_url(url, content_type=content_type, name=name)
    else:
        coded = next((value[at] for at in ("url", *_BYTES_AT) if isinstance(value.get(at), str) and value[at]), None)
        output = single(coded) if coded and coded[:4].lower() != "http" else None
    if output is None:
        return None
    metadata = {at: keepable.keepable(value[at]) for at in TOLD if isinstance(value.get(at), int | float | str)}
    return dataclasses.replace(output, name=output.name or name, metadata=metadata)


def _printable(name: str) -> str | None:
    return "".join(char for char in name[:255] if char.isprintable()).strip() or None


def _role(key: str) -> Any:
    return next((role for word, role in _ROLES if word in key.lower()), "primary")


def _no_media(output: contract.Output) -> bool:
    """A type or a name that belongs to something else. Unknown is not enough: many URLs have no ending."""
    if output.kind:
        return False
    declared = (output.content_type or "").split(";")[0].strip().lower()
    if declared and declared not in ("application/octet-stream", "binary/octet-stream"):
        return True
    ending = (output.name or "").rpartition(".")[2].lower()
    return "." in (output.name or "") and ending in NOT_MEDIA


NOT_MEDIA = frozenset({
    "json", "txt", "csv", "html", "htm", "md", "xml", "zip", "tar", "gz", "safetensors", "ckpt", "pt", "bin", "glb",
    "gltf", "obj", "fbx", "usdz", "stl", "ply", "srt", "vtt", "pdf", "yaml", "log",
})  # fmt: skip


def _recognised(data: bytes) -> types.MediaType | None:
    try:
        return types.recognise(data)
    except errors.CaptureFailed:
        return None
