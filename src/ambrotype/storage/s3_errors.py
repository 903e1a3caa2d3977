"""What an S3 server or the way to it says, in one clear sentence, never with a credential or a signed URL."""

import contextlib
from collections.abc import Callable, Iterator

import aiohttp
from botocore import exceptions

from ambrotype.core import errors

MISSING_KEY = frozenset({"NoSuchKey", "404", "NotFound"})
MISSING_BUCKET = "NoSuchBucket"
MISSING_UPLOAD = "NoSuchUpload"
BEYOND_END = "InvalidRange"

_CREDENTIALS = (
    exceptions.NoCredentialsError,
    exceptions.PartialCredentialsError,
    exceptions.CredentialRetrievalError,
    exceptions.TokenRetrievalError,
    exceptions.UnauthorizedSSOTokenError,
)
_UNREACHABLE = (
    exceptions.HTTPClientError,
    exceptions.ConnectionError,
    aiohttp.ClientError,
    TimeoutError,
    OSError,
)
_TOO_BUSY = {"SlowDown", "ServiceUnavailable", "Throttling", "ThrottlingException", "RequestLimitExceeded"}
_BUSY_STATUS = {429, 503}
_FULL = {"QuotaExceeded", "XMinioStorageFull", "InsufficientStorage"}
_WRONG_CREDENTIALS = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken"}


def code(error: exceptions.ClientError) -> str:
    """S3's error code; for answers without a body (HEAD) the status."""
    return str(error.response.get("Error", {}).get("Code", ""))


def status(error: exceptions.ClientError) -> int:
    """The HTTP status of the answer, 0 where there is none."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


@contextlib.contextmanager
def failures(endpoint: Callable[[], str], bucket: str) -> Iterator[None]:
    """botocore's errors as `errors.StoreUnavailable`; a name that S3 can't take as `InvalidRequest`."""
    try:
        yield
    except exceptions.ClientError as error:
        raise _refused(endpoint(), bucket, error) from error
    except exceptions.ParamValidationError as error:
        raise errors.InvalidRequest(
            f"S3 can't take this bucket name or value: bucket {bucket!r}; choose another name."
        ) from error
    except _CREDENTIALS as error:
        raise errors.StoreUnavailable(
            "No credentials for the S3 store: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile."
        ) from error
    except _UNREACHABLE as error:
        raise errors.StoreUnavailable(
            f"The S3 store at {endpoint()} does not answer ({type(error).__name__}): check AWS_ENDPOINT_URL,"
            " the network and the server."
        ) from error
    except exceptions.BotoCoreError as error:
        raise errors.StoreUnavailable(
            f"The S3 store at {endpoint()} can't be used ({type(error).__name__}): check the AWS_* settings."
        ) from error


def _refused(endpoint: str, bucket: str, error: exceptions.ClientError) -> errors.StoreUnavailable:
    name, answer = code(error), status(error)
    at = f"The S3 store at {endpoint}"
    if name == MISSING_BUCKET or (answer == 404 and error.operation_name == "HeadBucket"):
        sentence = f"{at} has no bucket {bucket!r}: make it, or correct AMBROTYPE_STORE_URL."
    elif name in _WRONG_CREDENTIALS:
        sentence = f"{at} does not accept the credentials ({name}): check the AWS_* settings."
    elif name == "RequestTimeTooSkewed":
        sentence = f"{at} says that this machine's clock is wrong ({name}): set it, for instance by NTP."
    elif name in _FULL or answer == 507:
        sentence = f"{at} is full ({name}): raise the quota of bucket {bucket!r} or free some space."
    elif name in _TOO_BUSY or answer in _BUSY_STATUS:
        sentence = f"{at} is too busy ({name or answer}): it will be tried again."
    elif answer == 403:
        sentence = f"{at} denies {error.operation_name} on bucket {bucket!r}: grant the credentials that right."
    elif answer >= 500:
        sentence = f"{at} failed with status {answer} on {error.operation_name}: look into its log."
    else:
        sentence = f"{at} refused {error.operation_name} on bucket {bucket!r} with {name or answer}: see its log."
    return errors.StoreUnavailable(sentence)
