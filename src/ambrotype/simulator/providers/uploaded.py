"""Files that a caller handed to a provider, in memory."""

import collections
import dataclasses
import secrets
import urllib.parse

BUDGET = 64 * 2**20
"""Bytes kept in all; the oldest go first."""

PATH = "/uploads"


@dataclasses.dataclass(kw_only=True)
class Upload:
    """A file, announced and perhaps there already."""

    token: str
    name: str
    content_type: str
    body: bytes | None = None

    @property
    def path(self) -> str:
        """Its path in the simulator: to be put to, and to be fetched from. The token in it is the right to both."""
        return f"{PATH}/{self.token}/{urllib.parse.quote(self.name, safe='')}"


class Uploaded:
    """All of them, by token."""

    def __init__(self) -> None:
        self.tokens: set[str] = set()
        """Given to those who may upload without showing their key."""
        self._files: collections.OrderedDict[str, Upload] = collections.OrderedDict()

    def announce(self, *, name: str, content_type: str) -> Upload:
        upload = Upload(token=secrets.token_urlsafe(18), name=name or "upload", content_type=content_type)
        self._files[upload.token] = upload
        return upload

    def find(self, token: str) -> Upload | None:
        return self._files.get(token)

    def remove(self, token: str) -> None:
        self._files.pop(token, None)

    def fill(self, upload: Upload, body: bytes) -> None:
        """Sets the bytes, and lets the oldest go where there is no more room."""
        upload.body = body
        while len(self._files) > 1 and sum(len(one.body or b"") for one in self._files.values()) > BUDGET:
            self._files.popitem(last=False)

    def all(self) -> list[Upload]:
        """Those that have bytes, oldest first."""
        return [one for one in self._files.values() if one.body is not None]
