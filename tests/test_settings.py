"""A wrong or unknown setting stops the start with one sentence that names it."""

from pathlib import Path

import pytest

from ambrotype import settings
from ambrotype.core import errors


def load(tmp_path: Path, toml: str = "", **environment: str) -> settings.Settings:
    file = tmp_path / "ambrotype.toml"
    file.write_text(toml)
    return settings.load(environment={f"AMBROTYPE_{name}": value for name, value in environment.items()}, file=file)


def test_defaults_are_those_of_the_contract(tmp_path: Path) -> None:
    given = load(tmp_path)
    assert given.data == Path("ambrotype-data").absolute()
    assert (given.layout, given.default_visibility, given.delivery, given.log) == (
        "default",
        "private",
        "auto",
        "console",
    )
    assert (given.min_free, given.sweep_days, given.workers) == (2**30, 30, 1)
    assert (given.fetch_allow, given.fetch_allow_all, given.cors_origins) == ((), (), ())


def test_the_environment_beats_the_file_and_the_caller_beats_both(tmp_path: Path) -> None:
    toml = 'layout = "hug"\nworkers = 3\nlog = "json"'
    given = load(tmp_path, toml, LAYOUT="scenes", WORKERS="4")
    assert (given.layout, given.workers, given.log) == ("scenes", 4, "json")
    assert settings.load(environment={}, file=tmp_path / "ambrotype.toml", workers=5).workers == 5


def test_lists_take_commas_and_spaces(tmp_path: Path) -> None:
    assert load(tmp_path, FETCH_ALLOW="10.0.0.0/8, media.lan:8080").fetch_allow == ("10.0.0.0/8", "media.lan:8080")
    assert load(tmp_path, 'fetch_allow = ["10.0.0.0/8"]').fetch_allow == ("10.0.0.0/8",)


def test_providers_have_a_group_each_and_their_keys_are_never_shown(tmp_path: Path) -> None:
    given = load(tmp_path, '[fal]\nbase_url = "https://queue.fal.run"', FAL_API_KEY="very-secret")
    assert given.fal.base_url == "https://queue.fal.run"
    assert given.fal.api_key is not None
    assert given.fal.api_key.get_secret_value() == "very-secret"
    assert "very-secret" not in repr(given)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("FOO", "1", "no setting AMBROTYPE_FOO"),
        ("FAL_COLOUR", "1", "no setting AMBROTYPE_FAL_COLOUR"),
        ("REPLICA_STORE_URL", "s3://x", "does not support the setting AMBROTYPE_REPLICA_STORE_URL"),
        ("WORKERS", "many", "AMBROTYPE_WORKERS is wrong"),
        ("WORKERS", "0", "AMBROTYPE_WORKERS is wrong"),
        ("MIN_FREE", "-1", "AMBROTYPE_MIN_FREE is wrong"),
        ("DELIVERY", "pigeon", "AMBROTYPE_DELIVERY is wrong"),
        ("PUBLIC_URL", "media.example.com", "AMBROTYPE_PUBLIC_URL is wrong"),
        ("DATABASE_URL", "mysql://x", "AMBROTYPE_DATABASE_URL is wrong"),
        ("DATABASE_DIRECT_URL", "postgresql://x", "AMBROTYPE_DATABASE_DIRECT_URL is set without"),
        ("BOOTSTRAP_KEY", "short", "AMBROTYPE_BOOTSTRAP_KEY is wrong"),
        ("RETENTION", "x", "AMBROTYPE_RETENTION must be a JSON object"),
        ("RETENTION", '{"fal": "x"}', "AMBROTYPE_RETENTION"),
    ],
)
def test_what_is_wrong_is_one_sentence_that_names_it(tmp_path: Path, name: str, value: str, says: str) -> None:
    with pytest.raises(errors.InvalidSetting) as caught:
        load(tmp_path, **{name: value})
    assert says in caught.value.detail
    assert "\n" not in caught.value.detail


def test_a_secret_is_not_repeated_in_the_sentence(tmp_path: Path) -> None:
    with pytest.raises(errors.InvalidSetting) as caught:
        load(tmp_path, BOOTSTRAP_KEY="not-so-good")
    assert "not-so-good" not in caught.value.detail


@pytest.mark.parametrize(("toml", "says"), [("x = [", "not valid TOML"), ("colour = 1", "no setting 'colour'")])
def test_a_wrong_file_is_one_sentence(tmp_path: Path, toml: str, says: str) -> None:
    with pytest.raises(errors.InvalidSetting, match=says):
        load(tmp_path, toml)
