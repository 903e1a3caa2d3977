"""Whose tokens are taken is said by settings, and a setting that can't be meant stops the start."""

from pathlib import Path

import pytest

from ambrotype import settings
from ambrotype.core import errors
from tests.accounts import issuers

OTHER = "another-secret-with-at-least-32-characters"


def load(tmp_path: Path, toml: str = "", **environment: str) -> settings.Settings:
    file = tmp_path / "ambrotype.toml"
    file.write_text(toml)
    return settings.load(environment={f"AMBROTYPE_{name}": value for name, value in environment.items()}, file=file)


def test_without_settings_no_user_signs_in(tmp_path: Path) -> None:
    assert load(tmp_path).users() == {}


def test_the_default_app_is_in_the_environment_and_others_are_in_the_file(tmp_path: Path) -> None:
    toml = f'[apps.studio]\njwt_secret = "{OTHER}"\njwt_audience = ["a", "b"]\njwt_issuer = "https://x"'
    found = load(tmp_path, toml, JWT_SECRET=issuers.SECRET, JWT_AUDIENCE="one,two").users()
    assert set(found) == {"default", "studio"}
    assert (found["default"].jwt_audience, found["studio"].jwt_audience) == (("one", "two"), ("a", "b"))
    assert issuers.SECRET not in repr(found)


@pytest.mark.parametrize(
    ("toml", "environment", "says"),
    [
        ("", {"JWT_SECRET": "short"}, "AMBROTYPE_JWT_SECRET is wrong: it must have at least 32 bytes"),
        ("", {"JWKS_URL": "ftp://x"}, "AMBROTYPE_JWKS_URL is wrong"),
        ("", {"JWT_AUDIENCE": "x"}, "AMBROTYPE_JWT_AUDIENCE"),
        ("", {"GUESTS": "maybe"}, "AMBROTYPE_GUESTS is wrong"),
        ("", {"QUOTA_ITEMS": "-1"}, "AMBROTYPE_QUOTA_ITEMS is wrong"),
        ("", {"RATE_USERS": "fast"}, "AMBROTYPE_RATE_USERS is wrong"),
        ("", {"RATE_EVERYBODY": "1"}, "no setting AMBROTYPE_RATE_EVERYBODY"),
        ("", {"TRUSTED_PROXIES": "my-proxy"}, "AMBROTYPE_TRUSTED_PROXIES is wrong"),
        ("[apps.studio]\n", {}, "AMBROTYPE_APPS_STUDIO is wrong: an app's users need"),
        ('[apps.studio]\njwt_secret = "short"', {}, "AMBROTYPE_APPS_STUDIO_JWT_SECRET is wrong"),
        (f'[apps.Studio]\njwt_secret = "{OTHER}"', {}, "APPS_STUDIO"),
        (f'[apps.default]\njwt_secret = "{OTHER}"', {}, "no group [apps.default]"),
        (f'[apps.studio]\njwt_secret = "{issuers.SECRET}"', {"JWT_SECRET": issuers.SECRET}, "can't be told apart"),
    ],
)
def test_what_is_wrong_is_named_without_showing_a_secret(
    tmp_path: Path, toml: str, environment: dict[str, str], says: str
) -> None:
    with pytest.raises(errors.InvalidSetting) as caught:
        load(tmp_path, toml, **environment)
    assert says.lower() in caught.value.detail.lower()
    assert OTHER not in caught.value.detail
    assert issuers.SECRET not in caught.value.detail


def test_apps_with_one_secret_are_told_apart_by_their_issuers(tmp_path: Path) -> None:
    toml = f'[apps.studio]\njwt_secret = "{issuers.SECRET}"\njwt_issuer = "https://studio"'
    assert set(load(tmp_path, toml, JWT_SECRET=issuers.SECRET, JWT_ISSUER="https://default").users()) == {
        "default",
        "studio",
    }
