"""Which store a URL means."""

from pathlib import Path
from urllib import parse

from ambrotype.core import errors
from ambrotype.storage import contract, local


def open_store(url: str, *, default_root: Path, min_free: int) -> contract.Store:
    """The store of AMBROTYPE_STORE_URL; an empty `url` means files in `default_root`, in the data folder.

    `min_free` is in bytes. `errors.InvalidSetting` for any other form than `file:///path` and the two of `s3://`.
    Nothing is touched or connected to yet.
    """
    scheme = url.partition(":")[0]
    if not url:
        return local.Local(default_root, min_free=min_free)
    if scheme == "s3":
        from ambrotype.storage import s3  # its libraries take a tenth of a second to load

        return s3.S3(url)
    if scheme == "file":
        return local.Local(_folder(url), min_free=min_free, memory=default_root.parent / "stores")
    raise errors.InvalidSetting(
        f"AMBROTYPE_STORE_URL={_shown(url)!r} is neither file:///path, s3://bucket/prefix nor s3://{{bucket}}."
    )


def _folder(url: str) -> Path:
    parts = parse.urlsplit(url)
    path = Path(parse.unquote(parts.path))
    if parts.netloc not in {"", "localhost"} or parts.query or parts.fragment or len(path.parts) < 2:
        raise errors.InvalidSetting(
            f"AMBROTYPE_STORE_URL={_shown(url)!r} names no folder; write it as file:///absolute/path."
        )
    if not path.is_absolute():
        raise errors.InvalidSetting(f"AMBROTYPE_STORE_URL={_shown(url)!r} is relative; write file:///absolute/path.")
    return path


def _shown(url: str) -> str:
    """Without user and password, should somebody have written them there."""
    scheme, separator, rest = url.partition("://")
    return scheme + separator + rest.rpartition("@")[2]
