"""Every error of Ambrotype: one root, a stable `code`, whether trying again can help, a sentence for a person.

The HTTP status of each code is in `api/errors.py`; both are listed in `docs/errors.md`.
"""

from collections.abc import Sequence


class AmbrotypeError(Exception):
    """Root of all errors. `str(error)` is the sentence: what was wrong, with which value, what to do."""

    code: str = "internal"
    retryable: bool = False

    def __init__(self, detail: str, *, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after = retry_after
        """Seconds after which another try makes sense, where somebody told."""


# Capture: why bytes could not be had. `CaptureFailed.retryable` says whether the worker tries again.


class CaptureFailed(AmbrotypeError):
    """A source could not be captured."""

    def __init__(self, detail: str, *, retry_after: float | None = None, retry: bool | None = None) -> None:
        super().__init__(detail, retry_after=retry_after)
        self.retry = self.retryable if retry is None else retry
        """Whether this very failure may pass: the class's answer unless the answer's status says otherwise (429, 5xx)."""


class SourceExpired(CaptureFailed):
    """The source's URL has run out."""

    code = "source_expired"


class SourceNotFound(CaptureFailed):
    """The source answered 404 or 410."""

    code = "source_not_found"


class SourceForbidden(CaptureFailed):
    """The source answered 401 or 403 without saying that its URL has run out."""

    code = "source_forbidden"


class SourceUnreachable(CaptureFailed):
    """No answer, a broken connection, 429 or 5xx."""

    code = "source_unreachable"
    retryable = True


class SourceChanged(CaptureFailed):
    """The file changed between two parts of one download."""

    code = "source_changed"
    retryable = True


class BlockedAddress(CaptureFailed):
    """The address is not a public one, and no setting allows it."""

    code = "blocked_address"


class TooLarge(CaptureFailed):
    """More bytes than AMBROTYPE_FETCH_MAX_BYTES or AMBROTYPE_UPLOAD_MAX_BYTES."""

    code = "too_large"


class TooSlow(CaptureFailed):
    """Slower than AMBROTYPE_FETCH_MIN_RATE, or longer than AMBROTYPE_FETCH_TIMEOUT."""

    code = "too_slow"
    retryable = True


class Truncated(CaptureFailed):
    """Fewer bytes than announced, or a file that ends in the middle."""

    code = "truncated"
    retryable = True


class DigestMismatch(CaptureFailed):
    """The bytes do not match the digest that came with them."""

    code = "digest_mismatch"
    retryable = True


class NotMedia(CaptureFailed):
    """An error page, a document or nothing: not a picture, a video or audio."""

    code = "not_media"


class UnsupportedType(CaptureFailed):
    """Media of a type that Ambrotype does not keep."""

    code = "unsupported_type"


class TooManyRedirects(CaptureFailed):
    """More than 5 redirects, or a loop of them."""

    code = "too_many_redirects"


class UnsupportedScheme(CaptureFailed):
    """Not http or https."""

    code = "unsupported_scheme"


class InvalidUrl(CaptureFailed):
    """Not a URL that can be fetched."""

    code = "invalid_url"


class ProviderGone(CaptureFailed):
    """The provider does not exist any more, or does not know the job."""

    code = "provider_gone"


class DataRemoved(CaptureFailed):
    """The provider says that it has cleared the data."""

    code = "data_removed"


class StoreUnavailable(CaptureFailed):
    """The store does not answer, or the disk is below AMBROTYPE_MIN_FREE."""

    code = "store_unavailable"
    retryable = True


class Cancelled(CaptureFailed):
    """A person deleted the item while it was captured."""

    code = "cancelled"


# What a caller did, or may not do.


class InvalidRequest(AmbrotypeError):
    """A field is missing, unknown or out of range."""

    code = "invalid_request"

    def __init__(
        self, detail: str, *, pointer: str | None = None, problems: Sequence[tuple[str, str]] | None = None
    ) -> None:
        super().__init__(detail)
        self.problems = tuple(problems if problems is not None else [(pointer, detail)] if pointer else [])
        """JSON pointer and message of each wrong field, where it is a matter of fields."""
        self.pointer = pointer or (self.problems[0][0] if self.problems else None)
        """JSON pointer of the first of them, or None."""


class Unauthenticated(AmbrotypeError):
    """No credentials, or ones that are not known here."""

    code = "unauthenticated"


class Forbidden(AmbrotypeError):
    """Known, but not allowed."""

    code = "forbidden"


class NotFound(AmbrotypeError):
    """Not there, or not the caller's: the two can't be told apart."""

    code = "not_found"


class Gone(AmbrotypeError):
    """Was there; lost, expired or purged."""

    code = "gone"


class Conflict(AmbrotypeError):
    """The item is in a state that does not allow this."""

    code = "conflict"


class Locked(AmbrotypeError):
    """Another request is writing this upload; try again when it has ended."""

    code = "locked"
    retryable = True


class ChecksumMismatch(AmbrotypeError):
    """The bytes of an upload's request do not match its Upload-Checksum; none of them was taken."""

    code = "checksum_mismatch"
    retryable = True


class WrongContentType(AmbrotypeError):
    """The body's Content-Type is not the one that is taken here."""

    code = "wrong_content_type"


class InUse(AmbrotypeError):
    """Other items were made from this one."""

    code = "in_use"


class IdempotencyConflict(AmbrotypeError):
    """The Idempotency-Key was used with another body."""

    code = "idempotency_conflict"


class AlreadyLinked(Conflict):
    """The guest belongs to another user by now."""

    code = "already_linked"


class QuotaExceeded(AmbrotypeError):
    """The owner has as many items or bytes as AMBROTYPE_QUOTA_* allows."""

    code = "quota_exceeded"


class RateLimited(AmbrotypeError):
    """More requests than AMBROTYPE_RATE_* allows; `retry_after` says when the next one is answered."""

    code = "rate_limited"
    retryable = True


class OwnerRequired(AmbrotypeError):
    """An app or read key without the header Ambrotype-Owner."""

    code = "owner_required"


class PreconditionFailed(AmbrotypeError):
    """If-Match names another version of the item."""

    code = "precondition_failed"


class RangeNotSatisfiable(AmbrotypeError):
    """No byte of the range lies within the file."""

    code = "range_not_satisfiable"


class InvalidSignature(AmbrotypeError):
    """The URL's signature is wrong or has run out."""

    code = "invalid_signature"


class ForgedWebhook(InvalidSignature):
    """A provider's webhook whose signature, time or token is wrong."""


class NotSupported(AmbrotypeError):
    """Not possible with this store or build."""

    code = "not_supported"


class MethodNotAllowed(NotSupported):
    """The address is right, the method is not."""


class Unavailable(AmbrotypeError):
    """The database or the store can't be reached just now."""

    code = "unavailable"
    retryable = True


class PublicUrlRequired(AmbrotypeError):
    """What would write permanent URLs down needs AMBROTYPE_PUBLIC_URL, or relative URLs."""

    code = "public_url_required"


class InvalidSetting(AmbrotypeError):
    """A setting is unknown or wrong; the sentence names it."""

    code = "invalid_setting"
