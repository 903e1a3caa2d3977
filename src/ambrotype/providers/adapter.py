"""What the built-in adapters have in common. A third party's may start from it, or only look like it."""

import dataclasses
from collections.abc import Mapping
from typing import ClassVar, Literal

from ambrotype.core import expiry
from ambrotype.providers import contract, places, replies


@dataclasses.dataclass(frozen=True, kw_only=True)
class Adapter:
    """The attributes of `contract.Provider`, by class constants."""

    config: contract.Config

    name: ClassVar[str]
    label: ClassVar[str]
    """The provider's name in sentences."""
    vendor: ClassVar[str]
    """The vendor's own base URL."""
    path: ClassVar[str] = ""
    """What follows a base URL that is a bare origin."""
    kinds: ClassVar[frozenset[contract.Kind]] = frozenset({"image", "video", "audio"})
    pace: ClassVar[float] = 5.0
    signs: ClassVar[bool] = True
    inputs_as: ClassVar[Literal["url", "data"]] = "url"
    remints: ClassVar[bool] = False

    @property
    def hooks(self) -> bool:
        return True

    @property
    def retention(self) -> int | None:
        return expiry.POLICY.get(self.name)

    @property
    def base_url(self) -> str:
        return places.base(self.config, self.vendor, path=self.path)

    @property
    def replies(self) -> replies.Reader:
        """Reads what this provider answers."""
        key = self.config.api_key
        secrets = {key, *key.split(":"), self.config.webhook_secret or ""}
        return replies.Reader(
            label=self.label,
            setting=f"AMBROTYPE_{self.name.upper()}",
            secrets=tuple(sorted((secret for secret in secrets if len(secret) >= 8), key=len, reverse=True)),
        )

    def credentials(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.config.api_key}"}
