"""Reading a provider's replies: the JSON object of a good one, `Refused` for every other.

What providers say of their errors is read here once for all of them: the usual shapes (`error`, `detail`, `message`),
what the status means, and which of it is about forbidden content.
"""

import dataclasses
import hashlib
import math
import re
from collections.abc import Mapping
from typing import Any

from ambrotype.core import moments, sources
from ambrotype.providers import contract

MOST_DETAIL = 500
"""Characters of a provider's own sentence that are kept."""
MOST_CODE = 100
MOST_ID = 300
LONGEST_WAIT = 86_400.0
"""Seconds. A longer Retry-After is taken for this."""

_BLOCKED_CODE = re.compile(
    "content_?policy|content_?filter|content_?violation|moderation|sensitive_?content|risk_?detection|nsfw|^safety|unsafe",
    re.IGNORECASE,
)
_BLOCKED_TEXT = re.compile(
    r"\bNSFW\b|content polic|usage polic|safety (?:system|filter|checker)|flagged as (?:sensitive|unsafe|inappropriate)"
    r"|moderation (?:system|filter)|sensitive (?:content|information)",
    re.IGNORECASE,
)
"""Sentences of providers that give no code (Replicate, WaveSpeed)."""
_SAYS_LITTLE = frozenset(
    {"badrequest", "bad_request", "invalid_request", "invalid_request_error", "image_generation_user_error"}
)
"""Codes of an error of any sort: the sentence beside them says more."""
_NO_CREDIT = re.compile(
    "insufficient_?quota|insufficient (?:balance|credit|fund)|exhausted balance|overdue|billing_hard_limit",
    re.IGNORECASE,
)
_URL = re.compile(r"(?:https?://|data:)[^\s\"'<>]+", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]+")

BY_STATUS: Mapping[int, str] = {
    400: "invalid_request",
    401: "unauthenticated",
    402: "quota_exceeded",
    403: "forbidden",
    408: "timeout",
    413: "invalid_request",
    422: "invalid_request",
    429: "rate_limited",
    504: "timeout",
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a reply says of an error, in the provider's words."""

    code: str | None = None
    detail: str | None = None


def said(value: Any, *, depth: int = 6) -> Said:
    """Code and sentence of an error, from any of the usual shapes; empty where there is none."""
    if isinstance(value, str):
        return Said(detail=value or None)
    if isinstance(value, list):
        return said(value[0], depth=depth - 1) if value and depth else Said()
    if not isinstance(value, dict) or not depth:
        return Said()
    code = next((found for key in ("code", "error_type", "type") if (found := _word(value.get(key)))), None)
    for key in ("error", "detail", "message", "msg", "title"):
        inner = said(value.get(key), depth=depth - 1)
        if inner.detail or inner.code:
            detail = inner.detail
            if key == "msg" and isinstance(value.get("loc"), list):
                detail = f"{'.'.join(text(part) or '…' for part in value['loc'][:8])}: {detail}"
            return Said(code=inner.code or code, detail=detail)
    return Said(code=code)


def _word(value: object) -> str | None:
    """A code that says something: a number only repeats the status."""
    return value.strip() or None if isinstance(value, str) and not value.strip().isdigit() else None


def text(value: object) -> str | None:
    """The value where it is a string with something in it, without NULs (PostgreSQL takes none), or a number's digits."""
    if isinstance(value, str):
        return value.replace("\x00", "").strip() or None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def word(value: object) -> str:
    """The value's words, empty where it has none: what tables and readers of times are asked with."""
    return text(value) or ""


def identity(value: object) -> str | None:
    """The value where it can be a job's id: printable, of a bounded length."""
    found = text(value)
    return found if found and len(found) <= MOST_ID and found.isprintable() else None


def mapping(value: object) -> dict[str, Any]:
    """The value where it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def listed(value: object) -> list[Any]:
    """The value where it is a JSON array, else an empty one."""
    return value if isinstance(value, list) else []


def number(value: object) -> float | None:
    """A finite number that is not negative, also where it is written as a string."""
    try:
        read = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        return None
    return read if read is not None and math.isfinite(read) and read >= 0 else None


def whole(value: object) -> int | None:
    """A whole number: a seed."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Reads one provider's replies. `setting` names its key in sentences; the key itself is cut out of all of them."""

    label: str
    setting: str
    secrets: tuple[str, ...] = dataclasses.field(repr=False)

    def document(self, reply: contract.Reply, *, submitting: bool = False) -> dict[str, Any]:
        """The JSON object of a good reply. Raises `contract.Refused`.

        While `submitting`, every answer that leaves open whether the job was taken is marked so.
        """
        if not 200 <= reply.status < 300:
            raise self.refusal(reply, submitting=submitting)
        read = reply.json()
        if not isinstance(read, dict):
            raise self.unreadable(reply, submitting=submitting)
        return read

    def stated(self, told: dict[str, Any], reply: contract.Reply) -> dict[str, Any]:
        """The same, where it says a status at all: an unknown one is a job that goes on, none is not the protocol."""
        if text(told.get("status")) is None:
            raise self.unreadable(reply)
        return told

    def unreadable(self, reply: contract.Reply, *, submitting: bool = False) -> contract.Refused:
        """For a good status with words that are not the provider's."""
        kind = reply.headers.get("content-type", "no type")[:60]
        detail = f"{self.label} answered {reply.status} with something that is not its protocol ({kind}): check its base URL."
        failure = contract.Failure(code="invalid_reply", detail=self.plain(detail), retryable=not submitting)
        return contract.Refused(failure, again=not submitting, unknown=submitting)

    def refusal(self, reply: contract.Reply, *, submitting: bool = False, again: bool = False) -> contract.Refused:
        """What an error's status and words come to. `again`: it may pass, whatever the status is."""
        words, status = said(reply.json()), reply.status
        after = _after(reply.headers.get("retry-after"))
        code = self._code(status, words, submitting=submitting)
        again = again or code in ("rate_limited", "timeout", "unavailable")
        failure = contract.Failure(code=code, detail=self._sentence(status, code, words), retryable=again)
        return contract.Refused(
            failure, again=again, after=after, unknown=submitting and (status >= 500 or status == 408)
        )

    def failure(
        self, code: str | None, detail: str | None, *, retryable: bool = False, default: str = "failed"
    ) -> contract.Failure:
        """Why a job failed, in the provider's words; content rules told apart."""
        if _blocks(code, detail):
            return contract.Failure(code="blocked", detail=self._blocked(code, detail))
        shown = self.plain(detail or "") or f"{self.label} says that the job failed, and not why."
        return contract.Failure(code=self.plain(code or "")[:MOST_CODE] or default, detail=shown, retryable=retryable)

    def plain(self, words: str) -> str:
        """A sentence that may be shown and logged: no key, no signed URL, no control characters, not too long."""
        for secret in self.secrets:
            words = words.replace(secret, "…")
        words = _URL.sub(lambda url: sources.shown(url[0].rstrip(".,;:)")), words[: 8 * MOST_DETAIL])
        words = _CONTROL.sub(" ", words).strip()
        return words if len(words) <= MOST_DETAIL else words[: MOST_DETAIL - 1] + "…"

    def _code(self, status: int, words: Said, *, submitting: bool) -> str:
        both = f"{words.code or ''} {words.detail or ''}"
        if status in (402, 403, 429) and _NO_CREDIT.search(both):
            return "quota_exceeded"
        if 400 <= status < 500 and status not in (401, 404, 429) and _blocks(words.code, words.detail):
            return "blocked"
        if status in (404, 410):
            return "invalid_request" if submitting else "provider_gone"
        if status >= 500:
            return BY_STATUS.get(status, "unavailable")
        if status in (400, 413, 422) and words.code:
            return self.plain(words.code)[:MOST_CODE] or "invalid_request"
        return BY_STATUS.get(status, "invalid_reply" if status < 400 else "invalid_request")

    def _sentence(self, status: int, code: str, words: Said) -> str:
        told = f": {self.plain(words.detail)}" if words.detail else "."
        if code == "blocked":
            return self._blocked(words.code, words.detail)
        if code == "unauthenticated":
            return f"{self.label} does not accept the API key (401): check {self.setting}_API_KEY."
        if code == "forbidden":
            return f"{self.label} does not allow this with the API key of {self.setting}_API_KEY (403){told}"
        if code == "provider_gone":
            return f"{self.label} does not know this job, or not any more ({status}){told}"
        if 300 <= status < 400:
            return f"{self.label} answered with a redirect ({status}), which is not followed: check {self.setting}_BASE_URL."
        return f"{self.label} answered {status}{told}"

    def _blocked(self, code: str | None, detail: str | None) -> str:
        words = detail or (code and f"its code is {code}") or "it says no more"
        return f"{self.label}'s content rules stopped this: {self.plain(words)}"


def _blocks(code: str | None, detail: str | None) -> bool:
    if code and code.lower() not in _SAYS_LITTLE:
        return bool(_BLOCKED_CODE.search(code))
    return bool(detail and _BLOCKED_TEXT.search(detail))


def made_id(reply: contract.Reply) -> str:
    """An id for a job that was over when it was submitted and has none of its own: of its answer."""
    return "sync-" + hashlib.sha256(reply.body + reply.headers.get("x-request-id", "").encode()).hexdigest()[:32]


def is_made(job_id: str) -> bool:
    """Whether `made_id` made it: nobody can be asked for that job."""
    return job_id.startswith("sync-")


def _after(header: str | None) -> float | None:
    """Seconds of a Retry-After header. Its other form, a date, is left alone: an adapter has no clock."""
    seconds = moments.number(header.strip()) if header else None
    return min(float(seconds), LONGEST_WAIT) if seconds is not None else None
