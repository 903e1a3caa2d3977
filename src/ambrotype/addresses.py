"""URLs of items, composed on the way out from AMBROTYPE_PUBLIC_URL; only ids and paths are stored."""

import dataclasses
import datetime
import urllib.parse
import uuid
from collections.abc import Sequence

from ambrotype.delivery import signing

ACCESS = datetime.timedelta(hours=1)
"""How long a signed `access_url` works at the least; its end is rounded up to the hour."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Composes the URLs that `library.view.Addresses` asks for."""

    public_url: str
    cdn_url: str | None
    keys: Sequence[signing.Key]

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
