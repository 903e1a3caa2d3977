"""Synchronous answers that come as server-sent events, one `contract.Reply` each."""

from typing import Any

from ambrotype.providers import contract

MOST = 256 * 2**20
"""Bytes of an answer that holds its pictures."""


def flowing(reply: contract.Reply) -> bool:
    """Whether this is an event of a stream, not an answer as a whole."""
    return 200 <= reply.status < 300 and reply.headers.get("content-type", "").lower().startswith("text/event-stream")


def event(reply: contract.Reply) -> dict[str, Any] | None:
    """The event's JSON object; empty for one that holds something else; None at the stream's end."""
    if not reply.body or reply.body.strip() == b"[DONE]":
        return None
    read = reply.json()
    return read if isinstance(read, dict) else {}
