"""One request and what it asks for; `serve` is the honest answer that every fault starts from."""

import dataclasses
import math
from collections.abc import Callable, Mapping

from ambrotype.simulator import answers, assets, ranges
from ambrotype.simulator.signing import contract


@dataclasses.dataclass(frozen=True, kw_only=True)
class Exchange:
    """Everything that an answer can depend on."""

    method: str
    host: str
    headers: Mapping[str, str]
    """Of the request; names in any case."""
    asset: assets.Asset
    style: contract.Style
    modified: float
    """Last-Modified of everything, epoch seconds."""
    now: float
    expires: float | None
    attempt: int
    """How many requests for this very URL (GETs) came before."""
    sign: Callable[[str, str, int], str]
    """(key, host, seconds) → URL, in the style of this request."""

    def link(self, key: str, *, host: str | None = None) -> str:
        """A URL of another key, signed like this one, for the time that this one has left."""
        left = 3600.0 if self.expires is None else self.expires - self.now
        return self.sign(key, host or self.host, max(1, math.floor(left)))

    def serve(
        self,
        asset: assets.Asset | None = None,
        *,
        digests: assets.Digests | None = None,
        ranged: bool = True,
        obey_if_range: bool = True,
    ) -> answers.Answer:
        """200, 206, 304, 412 or 416 with the vendor's headers. `digests` replaces the true ones."""
        asset = asset or self.asset
        known = digests or assets.digests(asset)
        validators = {
            "Last-Modified": contract.http_date(self.modified),
            "Content-Type": asset.content_type,
            **({"Accept-Ranges": "bytes"} if ranged else {}),
        }
        whole = {**validators, **self.style.headers(asset, known, whole=True)}
        refused = self._precondition(whole)
        if refused is not None:
            return refused
        may_be_part = ranges.unchanged(
            self.headers.get("If-Range") if obey_if_range else None,
            etag=whole["ETag"],
            modified=whole["Last-Modified"],
        )
        try:
            span = ranges.parse(self.headers.get("Range"), asset.size) if ranged and may_be_part else None
        except ranges.Unsatisfiable:
            return self._unsatisfiable(asset)
        if span is None:
            return self._answer(200, whole, asset, ranges.Span(start=0, end=asset.size))
        part = {**validators, **self.style.headers(asset, known, whole=False)}
        part["Content-Range"] = f"bytes {span.start}-{span.end - 1}/{asset.size}"
        return self._answer(206, part, asset, span)

    def _answer(self, status: int, headers: dict[str, str], asset: assets.Asset, span: ranges.Span) -> answers.Answer:
        length = span.end - span.start
        return answers.Answer(
            status=status,
            headers={**headers, "Content-Length": str(length)},
            body=asset.pieces(span.start, length),
        )

    def _precondition(self, headers: dict[str, str]) -> answers.Answer | None:
        wanted, known = self.headers.get("If-Match"), self.headers.get("If-None-Match")
        if wanted is not None and not ranges.named(wanted, headers["ETag"]):
            return answers.text(412, contract.xml_error("PreconditionFailed", "Changed"), "application/xml")
        if known is not None and ranges.named(known, headers["ETag"]):
            return answers.Answer(status=304, headers={"ETag": headers["ETag"]})
        return None

    def _unsatisfiable(self, asset: assets.Asset) -> answers.Answer:
        body = contract.xml_error("InvalidRange", "The requested range is not satisfiable")
        return answers.text(416, body, "application/xml", {"Content-Range": f"bytes */{asset.size}"})
