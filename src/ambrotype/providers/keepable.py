"""A provider's own words, made fit for keeping: bytes cut out, bounded, nothing that JSON in PostgreSQL refuses."""

from typing import Any

MOST_TEXT = 4_000
"""Characters of one string: prompts fit, pictures written as text do not."""
SHOWN = 60
DEPTH = 24
MOST_VALUES = 5_000
"""Values of one document; logs of a long job have thousands of lines."""
BYTES = frozenset({"b64_json", "base64", "image_base64", "bytesBase64Encoded"})
"""Fields that hold files."""
MOST_BYTES = 200
OURS = frozenset({"webhook", "webhook_url", "callback_url", "fal_webhook"})
"""What only repeats where webhooks go: such an address may hold a token."""


def keepable(value: Any) -> Any:
    """The value as it is kept in metadata."""
    return _kept(value, DEPTH, [MOST_VALUES])


def _kept(value: Any, depth: int, left: list[int], most: int = MOST_TEXT) -> Any:
    left[0] -= 1
    if isinstance(value, str):
        return _short(value, MOST_BYTES if value[:5].lower() == "data:" else most)
    if isinstance(value, dict | list) and (depth == 0 or left[0] <= 0):
        return "…"
    if isinstance(value, list):
        return [_kept(inner, depth - 1, left) for inner in value if left[0] > 0]
    if not isinstance(value, dict):
        return value
    return {
        _short(key, MOST_TEXT): _kept(inner, depth - 1, left, MOST_BYTES if key in BYTES else MOST_TEXT)
        for key, inner in value.items()
        if key not in OURS and left[0] > 0
    }


def _short(words: str, most: int) -> str:
    if len(words) > most:
        words = f"{words[:SHOWN]}… ({len(words)} characters)"
    return words.replace("\x00", "�")
