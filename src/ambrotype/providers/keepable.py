"""A provider's own words, made fit for keeping: bytes cut out, bounded, nothing that JSON in PostgreSQL refuses."""

from typing import Any

MOST_TEXT = 4_000
"""Characters of one string: prompts fit, pictures written as text do not."""
SHOWN = 60
DEPTH = 24
MOST_VALUES = 5_000
"""Values of one document; logs of a long job have thousands of lines."""
OURS = frozenset({"webhook", "webhook_url", "callback_url", "fal_webhook"})
"""What only repeats where webhooks go: such an address may hold a token."""


def keepable(value: Any) -> Any:
    """The value as it is kept in metadata."""
    return _kept(value, DEPTH, [MOST_VALUES])


def _kept(value: Any, depth: int, left: list[int]) -> Any:
    left[0] -= 1
    if isinstance(value, str):
        return _short(value)
    if isinstance(value, dict | list) and (depth == 0 or left[0] <= 0):
        return "…"
    if isinstance(value, dict):
        return {
            _short(key): _kept(inner, depth - 1, left)
            for key, inner in value.items()
            if key not in OURS and left[0] > 0
        }
    if isinstance(value, list):
        return [_kept(inner, depth - 1, left) for inner in value if left[0] > 0]
    return value


def _short(words: str) -> str:
    most = 200 if words[:5].lower() == "data:" else MOST_TEXT
    if len(words) > most:
        words = f"{words[:SHOWN]}… ({len(words)} characters)"
    return words.replace("\x00", "�")
