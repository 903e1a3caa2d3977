"""Content Credentials (C2PA): whether there are any, whether they hold, and what they say.

Read by c2pa-python from the open file. Nothing is ever fetched: manifests elsewhere, revocation lists and trust lists
stay there, so "valid" means that signature and hashes fit this file, not that the signer is known to anybody.
"""

import json
import os
from typing import Any

import c2pa

from ambrotype.core import types
from ambrotype.decoding import isobmff
from ambrotype.decoding.inspection import riff
from ambrotype.decoding.reading import Reader

SETTINGS = {
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_trust": False},
    "core": {"allowed_network_hosts": []},
}
MOST_HASHED = 2 << 30
"""Bytes of a file that is checked; credentials of a larger one are only told of."""
MOST_JSON = 512 * 1024
C2PA_UUID = bytes.fromhex("D8FEC3D61B0E483C92975828877EC481")
_context: list[c2pa.Context] = []


def prepare() -> None:
    """Loads the library, which opens files for that; about 20 ms and 9 MB."""
    _context.append(c2pa.Context.from_dict(SETTINGS))
    c2pa.Reader.get_supported_mime_types()


def read(file: Reader, media: types.MediaType) -> dict[str, Any]:
    """`{"state": absent | present | valid | invalid, "manifests": the store or None, "detail": …}`."""
    if file.size > MOST_HASHED or media.content_type not in c2pa.Reader.get_supported_mime_types():
        return {"state": "present" if is_there(file, media) else "absent", "manifests": None, "detail": None}
    os.lseek(file.fd, 0, os.SEEK_SET)
    try:
        with os.fdopen(os.dup(file.fd), "rb") as raw:
            reader = c2pa.Reader.try_create(media.content_type, raw, context=_context[0])
            if reader is None:
                return {"state": "absent", "manifests": None, "detail": None}
            with reader:
                return _told(reader)
    except c2pa.C2paError as error:
        return {"state": _failed(error, file, media), "manifests": None, "detail": " ".join(str(error).split())[:200]}


def _told(reader: c2pa.Reader) -> dict[str, Any]:
    state = "invalid" if reader.get_validation_state() == "Invalid" else "valid"
    text = reader.json()
    if len(text) > MOST_JSON:
        return {"state": state, "manifests": None, "detail": "What the credentials say is too long to be kept."}
    store = json.loads(text)
    return {
        "state": state,
        "manifests": {name: store.get(name) for name in ("active_manifest", "manifests")},
        "detail": _why(store) if state == "invalid" else None,
    }


def _why(store: dict[str, Any]) -> str | None:
    found = ((store.get("validation_results") or {}).get("activeManifest") or {}).get("failure") or []
    codes = sorted({str(failure.get("code")) for failure in found if isinstance(failure, dict)})
    return ", ".join(codes)[:200] or None


def _failed(error: c2pa.C2paError, file: Reader, media: types.MediaType) -> str:
    """A manifest elsewhere is there, unchecked; one here that can't be read is broken."""
    if isinstance(error, c2pa.C2paError.RemoteManifest) or str(error).startswith("Remote:"):
        return "present"
    return "invalid" if is_there(file, media) else "absent"


def is_there(file: Reader, media: types.MediaType) -> bool:
    """Whether there is a place of Content Credentials, whatever it holds (C2PA 2.1 section 11.3 and appendix A)."""
    look = PLACES.get(media.content_type)
    return look is not None and look(file)


def _in_png(file: Reader) -> bool:
    at = 8
    for _ in range(10_000):
        head = file.at(at, 8)
        if len(head) < 8 or head[4:] == b"IDAT":
            return False
        if head[4:] == b"caBX":
            return True
        at += 12 + int.from_bytes(head[:4], "big")
    return False


def _in_jpeg(file: Reader) -> bool:
    at = 2
    for _ in range(4096):
        marker = file.at(at, 40)
        if len(marker) < 4 or marker[0] != 0xFF or marker[1] == 0xDA:
            return False
        if marker[1] == 0xEB and marker[4:6] == b"JP" and b"jumb" in marker:
            return True
        at += 2 + max(2, int.from_bytes(marker[2:4], "big"))
    return False


def _in_riff(file: Reader) -> bool:
    return any(name == b"C2PA" for name, _, _ in riff.chunks(file))


def _in_boxes(file: Reader) -> bool:
    for number, box in enumerate(isobmff.boxes(file, 0, file.size)):
        if box.name == b"uuid" and file.at(box.begin, 16) == C2PA_UUID:
            return True
        if number > 10_000:
            break
    return False


PLACES = {
    "image/png": _in_png,
    "image/jpeg": _in_jpeg,
    **dict.fromkeys(("image/webp", "audio/wav", "video/x-msvideo"), _in_riff),
    **dict.fromkeys(
        ("image/avif", "image/heic", "image/heif", "video/mp4", "video/quicktime", "audio/mp4", "video/3gpp"), _in_boxes
    ),
}
