"""Which store a URL means."""

from pathlib import Path

import pytest

from ambrotype.core import errors
from ambrotype.storage import contract, local, s3, stores

KEY = contract.Key("media", "a/b")


def opened(url: str, tmp_path: Path) -> contract.Store:
    return stores.open_store(url, default_root=tmp_path / "data" / "store", min_free=0)


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("", "{tmp}/data/store"),
        ("file://{tmp}/pictures", "{tmp}/pictures"),
        ("file://{tmp}/my%20pictures/", "{tmp}/my pictures"),
        ("file://localhost{tmp}/pictures", "{tmp}/pictures"),
    ],
)
def test_files(tmp_path: Path, url: str, root: str) -> None:
    store = opened(url.replace("{tmp}", str(tmp_path)), tmp_path)
    assert isinstance(store, local.Local)
    assert store.path(KEY) == Path(root.replace("{tmp}", str(tmp_path))) / "media/a/b"
    assert list(tmp_path.iterdir()) == [], "opening a store touches nothing"


@pytest.mark.parametrize("url", ["s3://bucket", "s3://bucket/some/prefix", "s3://{bucket}"])
def test_s3(tmp_path: Path, url: str) -> None:
    assert isinstance(opened(url, tmp_path), s3.S3)


@pytest.mark.parametrize(
    "url",
    ["pictures", "/pictures", "ftp://x/y", "file://", "file:///", "file://host/x", "file:x", "file:///x?y", "s3://"],
)
def test_anything_else_names_the_setting(tmp_path: Path, url: str) -> None:
    with pytest.raises(errors.InvalidSetting, match="AMBROTYPE_STORE_URL"):
        opened(url, tmp_path)


def test_a_password_in_the_url_is_not_repeated(tmp_path: Path) -> None:
    for url in ("https://key:hunter2@example.com/x", "s3://key:hunter2@bucket"):
        with pytest.raises(errors.InvalidSetting) as caught:
            opened(url, tmp_path)
        assert "hunter2" not in str(caught.value)


async def test_a_folder_that_was_in_use_and_is_empty_now_is_refused(tmp_path: Path) -> None:
    url = f"file://{tmp_path}/pictures"
    first = opened(url, tmp_path)
    await first.check()
    await first.close()
    (tmp_path / "pictures").rename(tmp_path / "unmounted")
    (tmp_path / "pictures").mkdir()
    second = opened(url, tmp_path)
    with pytest.raises(errors.StoreUnavailable, match="mount its disk"):
        await second.check()
    await second.close()
