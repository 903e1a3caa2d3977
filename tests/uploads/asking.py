"""Forms and resumable uploads, byte for byte as clients send them."""

import base64
import json
import uuid
from typing import Any

from tests.api import stack as stacks

BOUNDARY = "----a-boundary-of-tests"
VERSION = {"Tus-Resumable": "1.0.0"}
BODY = "application/offset+octet-stream"


def form(*parts: tuple[str, str | None, bytes]) -> bytes:
    """The body of a form; a part is its name, its file's name and its bytes."""
    made = b""
    for name, filename, content in parts:
        file = f'; filename="{filename}"' if filename is not None else ""
        made += f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode()
        made += content + b"\r\n"
    return made + f"--{BOUNDARY}--\r\n".encode()


def upload(who: stacks.Caller, content: bytes, *, name: str | None = "a.png", **fields: Any) -> stacks.Reply:
    parts = [("file", name, content)]
    if fields:
        parts.insert(0, ("fields", None, json.dumps(fields).encode()))
    return send(who, form(*parts))


def send(who: stacks.Caller, body: bytes) -> stacks.Reply:
    kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    return who.send("POST", "/v1/uploads", body=body, headers=kind)


def metadata(**known: str) -> str:
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in known.items())


def create(who: stacks.Caller, size: int | str, *, body: bytes | None = None, **headers: str) -> stacks.Reply:
    named = {**VERSION, "Upload-Length": str(size), **({"Content-Type": BODY} if body is not None else {}), **headers}
    return who.send("POST", "/v1/uploads/resumable", body=body, headers=named)


def begun(who: stacks.Caller, size: int, **known: str) -> str:
    """The address of a new upload."""
    told = {"Upload-Metadata": metadata(**known)} if known else {}
    reply = create(who, size, **told)
    assert reply.status == 201, reply.body
    return str(reply.headers["location"])


def patch(who: stacks.Caller, where: str, offset: int | str, content: bytes, **headers: str) -> stacks.Reply:
    named = {**VERSION, "Content-Type": BODY, "Upload-Offset": str(offset), **headers}
    return who.send("PATCH", where, body=content, headers=named)


def head(who: stacks.Caller, where: str) -> stacks.Reply:
    return who.send("HEAD", where, headers=VERSION)


def offset(who: stacks.Caller, where: str) -> int:
    reply = head(who, where)
    assert reply.status == 200, reply.headers
    return int(reply.headers["upload-offset"])


def media_id(reply: stacks.Reply) -> str:
    found = str(reply.headers["ambrotype-media-id"])
    assert uuid.UUID(found)
    return found
