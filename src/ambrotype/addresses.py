"""URLs of items, composed on the way out from AMBROTYPE_PUBLIC_URL; only ids and paths are stored."""

import base64
import dataclasses
import datetime
import hmac
import urllib.parse
import uuid
from collections.abc import Mapping, Sequence

from ambrotype.delivery import signing

ACCESS = datetime.timedelta(hours=1)
"""How long a signed `access_url` works at the least; its end is rounded up to the hour."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Composes the URLs that `library.view.Addresses` asks for."""

    public_url: str
    cdn_url: str | None
    keys: Sequence[signing.Key]
    trash: datetime.timedelta | None = None
    """How long an item lies in the trash before it goes by itself; None = for ever."""

    def permanent(self, media_id: uuid.UUID, name: str, visibility: str) -> str:
        """The URL that never changes."""
        base = self.cdn_url if self.cdn_url and visibility == "public" else self.public_url
        return f"{base}/m/{media_id}/{urllib.parse.quote(name, safe='')}"

    def access(self, media_id: uuid.UUID, name: str, visibility: str) -> str:
        """The same, signed where the item is private."""
        plain = self.permanent(media_id, name, visibility)
        if visibility != "private":
            return plain
        until = datetime.datetime.now(datetime.UTC) + ACCESS
        return f"{plain}?{signing.sign(media_id, {}, expires_at=until, keys=self.keys)}"

    def derived(
        self, media_id: uuid.UUID, name: str, visibility: str, queries: Mapping[str, Mapping[str, str]]
    ) -> dict[str, str]:
        """The URLs of renditions by their names; signed where the item is private."""
        if not queries:
            return {}
        plain = self.permanent(media_id, name, visibility)
        if visibility != "private":
            return {called: f"{plain}?{urllib.parse.urlencode(query)}" for called, query in queries.items()}
        until = datetime.datetime.now(datetime.UTC) + ACCESS
        return {
            called: f"{plain}?{signing.sign(media_id, query, expires_at=until, keys=self.keys)}"
            for called, query in queries.items()
        }

    def access_until(self) -> int:
        """When an `access_url` made now ends, in seconds since 1970: until then each is the same again."""
        return int(signing.end(datetime.datetime.now(datetime.UTC) + ACCESS).timestamp())

    def signed(
        self,
        media_id: uuid.UUID,
        name: str,
        visibility: str,
        *,
        params: Mapping[str, str],
        lives: datetime.timedelta,
    ) -> tuple[str, datetime.datetime]:
        """A URL that opens the item in this form for whoever has it, and when it ends: `lives` rounded up to the hour."""
        until = signing.end(datetime.datetime.now(datetime.UTC) + lives)
        query = signing.sign(media_id, params, expires_at=until, keys=self.keys)
        return f"{self.permanent(media_id, name, visibility)}?{query}", until

    @property
    def kid(self) -> str:
        """The signing key in use."""
        return self.keys[0].kid

    def share_token(self, share_id: uuid.UUID, kid: str) -> str | None:
        """A share's token: 256 bits that only this server can make again; None without the key they were made with."""
        key = next((key for key in self.keys if key.kid == kid), None)
        if key is None:
            return None
        digest = hmac.digest(key.secret, f"share\n{share_id}".encode(), "sha256")
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def share(self, token: str) -> str:
        """The address of a share's page."""
        return f"{self.public_url}/s/{token}"
