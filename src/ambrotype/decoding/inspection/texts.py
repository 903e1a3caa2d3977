"""The texts found in a file, within a budget that no file can exceed."""

import dataclasses
import zlib
from typing import Any

MOST_BYTES = 1 << 20
"""Of all texts of a file together, as UTF-8. Workflows of ComfyUI reach some hundred kilobytes."""
MOST_TEXTS = 256
MOST_BLOCK = 4 << 20
"""Bytes of one block (an EXIF chunk, a compressed text) that are read at all."""
MOST_NAME = 80

# PostgreSQL takes no NUL; other control characters say nothing and swell in JSON.
_SCRUB = {n: "\ufffd" for n in range(32) if n not in (9, 10, 13)} | {127: "\ufffd"}


@dataclasses.dataclass(slots=True)
class Texts:
    """Collects until the budget is used up; `cut` then says that something was left out."""

    found: list[dict[str, str]] = dataclasses.field(default_factory=list)
    cut: bool = False
    _left: int = MOST_BYTES
    _seen: set[tuple[str, str]] = dataclasses.field(default_factory=set)

    @property
    def is_full(self) -> bool:
        return self._left <= 0 or len(self.found) >= MOST_TEXTS

    def add(self, where: str, key: str, text: str) -> None:
        """Takes a text, or as much of it as there is room for. Empty ones and repetitions are nothing."""
        text = text.strip("\0 \r\n\t")
        if not text or (key, text) in self._seen:
            return
        if self.is_full:
            self.cut = True
            return
        self._seen.add((key, text))
        whole = text.translate(_SCRUB).encode("utf-8", "replace")
        self.cut = self.cut or len(whole) > self._left
        kept = whole[: self._left]
        self._left -= len(kept)
        self.found.append(
            {"where": where, "key": key.translate(_SCRUB)[:MOST_NAME], "text": kept.decode("utf-8", "ignore")}
        )

    def to_json(self) -> dict[str, Any]:
        return {"texts": self.found, "cut": self.cut}

    def inflate(self, data: bytes) -> bytes:
        """What a zlib or gzip stream holds, up to `MOST_BYTES`; what comes before damage, where it is damaged."""
        unpacker = zlib.decompressobj(wbits=47)  # 32 + 15: header of either kind
        try:
            found = unpacker.decompress(data, MOST_BYTES)
        except zlib.error:
            return b""
        self.cut = self.cut or bool(unpacker.unconsumed_tail)
        return found


def guess(data: bytes) -> str:
    """Text of unknown alphabet: UTF-8, else Latin-1, in which every byte is a letter."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")
