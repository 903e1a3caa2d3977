"""Signing keys, from the setting and from the data folder."""

import base64
import concurrent.futures
import stat

import pytest

from ambrotype.core import errors
from ambrotype.delivery import keyring, signing

SECRET = bytes(range(200, 232))
TEXT = base64.b64encode(SECRET).decode()


def test_the_setting_lists_keys_in_order():
    keys = keyring.parse(f"new:{TEXT}, old:{base64.urlsafe_b64encode(SECRET).decode().rstrip('=')}")
    assert keys == (signing.Key("new", SECRET), signing.Key("old", SECRET))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no key"),
        (TEXT, "key 1 is not of the form"),
        (f"a b:{TEXT}", "key 1 is not"),
        (f"ok:{TEXT},:{TEXT}", "key 2 is not"),
        ("ok:!!!!", "key ok is not base64"),
        ("ok:" + base64.b64encode(b"short").decode(), "key ok has 5 bytes"),
        (f"ok:{TEXT},ok:{TEXT}", "two keys are called ok"),
    ],
)
def test_a_wrong_setting_is_named_and_never_shown(text, says):
    with pytest.raises(errors.InvalidSetting, match=says) as refused:
        keyring.parse(text)
    assert "AMBROTYPE_SIGNING_KEYS" in str(refused.value)
    assert TEXT[:10] not in str(refused.value)


def test_the_file_is_made_once_and_for_its_owner_alone(tmp_path):
    path = tmp_path / "signing-keys"
    keys = keyring.load_or_create(path)
    assert len(keys[0].secret) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keyring.load_or_create(path) == keys
    assert [entry.name for entry in tmp_path.iterdir()] == ["signing-keys"]


def test_processes_that_start_at_once_get_the_same_key(tmp_path):
    with concurrent.futures.ProcessPoolExecutor(4) as pool:
        found = set(pool.map(keyring.load_or_create, [tmp_path / "signing-keys"] * 16))
    assert len(found) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["signing-keys"]


def test_a_broken_file_stops_the_start_instead_of_being_replaced(tmp_path):
    path = tmp_path / "signing-keys"
    path.write_text("")
    with pytest.raises(errors.InvalidSetting, match="signing-keys"):
        keyring.load_or_create(path)
    assert path.read_text() == ""


def test_a_missing_folder_is_said_in_a_sentence(tmp_path):
    with pytest.raises(errors.InvalidSetting, match="can't be read or made"):
        keyring.load_or_create(tmp_path / "nowhere" / "signing-keys")
