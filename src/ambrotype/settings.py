"""Settings: environment AMBROTYPE_* and ambrotype.toml in, one frozen, validated value out.

Only the composition root reads them. A wrong or unknown setting stops the start with one sentence that names it.
"""

import ipaddress
import json
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic
import pydantic_settings

from ambrotype import providers
from ambrotype.core import costs, errors, renditions

PREFIX = "AMBROTYPE_"
PROVIDERS = ("fal", "openai", "wavespeed", "ark", "replicate")

LATER = (
    "replica_store_url", "legacy", "legacy_schema",
    "legacy_trust", "otel_endpoint",
)  # fmt: skip
"""Settings of features that this version does not have yet. Taking one silently would promise what does not happen."""

Bytes = Annotated[int, pydantic.Field(ge=0)]
Count = Annotated[int, pydantic.Field(ge=0)]
Price = Annotated[float, pydantic.Field(ge=0, allow_inf_nan=False)]
Seconds = Annotated[float, pydantic.Field(gt=0)]
List = Annotated[tuple[str, ...], pydantic_settings.NoDecode]


def _web(value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"https?://[^/?#\s]+(/\S*)?", value):
        raise ValueError("it must begin with http:// or https://")
    return value


class Provider(pydantic.BaseModel):
    """One provider's group: key, where its API begins, its webhooks' secret, prices by model."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    api_key: pydantic.SecretStr | None = None
    base_url: Annotated[str | None, pydantic.AfterValidator(_web)] = None
    webhook_secret: pydantic.SecretStr | None = None
    price: dict[str, Any] = {}

    @pydantic.field_validator("price", mode="after")
    @classmethod
    def _prices(cls, value: dict[str, Any]) -> dict[str, Any]:
        try:
            costs.checked(value, "it")
        except errors.InvalidSetting as problem:
            raise ValueError(problem.detail) from None
        return value


def _long_enough(value: pydantic.SecretStr | None) -> pydantic.SecretStr | None:
    if value is not None and len(value.get_secret_value().encode()) < 32:
        raise ValueError("it must have at least 32 bytes (RFC 7518, 3.2): a shorter one can be guessed from a token")
    return value


def _words(value: object) -> object:
    return tuple(part for part in re.split(r"[,\s]+", value) if part) if isinstance(value, str) else value


def _hard_to_guess(value: pydantic.SecretStr | None) -> pydantic.SecretStr | None:
    if value is not None and not re.fullmatch(r"[A-Za-z0-9._~+/=-]{20,200}", value.get_secret_value()):
        raise ValueError("it must be 20 to 200 letters, digits, or any of . _ ~ + / = -")
    return value


ScrapeToken = Annotated[pydantic.SecretStr | None, pydantic.AfterValidator(_hard_to_guess)]
JwtSecret = Annotated[pydantic.SecretStr | None, pydantic.AfterValidator(_long_enough)]
JwksUrl = Annotated[str | None, pydantic.AfterValidator(_web)]
Audiences = Annotated[tuple[str, ...], pydantic_settings.NoDecode, pydantic.BeforeValidator(_words)]


class AppUsers(pydantic.BaseModel):
    """Whose tokens an app's users show: `[apps.NAME]`."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    jwt_secret: JwtSecret = None
    jwks_url: JwksUrl = None
    jwt_audience: Audiences = ()
    jwt_issuer: str | None = None

    @pydantic.model_validator(mode="after")
    def _some(self) -> "AppUsers":
        if self.jwt_secret is None and self.jwks_url is None:
            raise ValueError("an app's users need a jwt_secret or a jwks_url")
        return self


class Settings(pydantic_settings.BaseSettings):
    """Everything that can be set. Sizes are bytes, durations seconds."""

    model_config = pydantic_settings.SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    data: Path = Path("ambrotype-data")
    database_url: str | None = None
    database_direct_url: str | None = None
    store_url: str | None = None
    public_url: str | None = None
    cdn_url: str | None = None
    layout: str = "default"
    bootstrap_key: pydantic.SecretStr | None = None
    signing_keys: pydantic.SecretStr | None = None
    default_visibility: Literal["private", "unlisted", "public"] = "private"
    cors_origins: List = ()
    delivery: Literal["auto", "proxy", "redirect"] = "auto"
    fetch_allow: List = ()
    fetch_allow_all: List = ()
    fetch_max_bytes: Bytes = 10 * 2**30
    fetch_timeout: Seconds = 3600
    fetch_min_rate: Bytes = 10_000
    fetch_concurrency: Annotated[int, pydantic.Field(ge=1, le=256)] = 16
    upload_max_bytes: Bytes = 10 * 2**30
    min_free: Bytes = 2**30
    rendition_days: Annotated[int, pydantic.Field(ge=0)] = 90
    renditions: List = ()
    sweep_days: Annotated[int, pydantic.Field(ge=0)] = 30
    trash_days: Annotated[int, pydantic.Field(ge=1, le=36_500)] | None = None
    metrics_token: ScrapeToken = None
    retention: dict[str, Annotated[int, pydantic.Field(gt=0)]] = {}
    jwt_secret: JwtSecret = None
    jwks_url: JwksUrl = None
    jwt_audience: Audiences = ()
    jwt_issuer: str | None = None
    apps: dict[Annotated[str, pydantic.Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")], AppUsers] = {}
    guests: Literal["off", "app", "open"] = "app"
    quota_items: Count | None = None
    quota_bytes: Bytes | None = None
    quota_guest_items: Count | None = None
    quota_guest_bytes: Bytes | None = None
    rate_keys: Count = 0
    rate_users: Count = 1200
    rate_guests: Count = 600
    rate_nobody: Count = 120
    rate_new_guests: Count = 10
    trusted_proxies: List = ()
    price_storage_gb_month: Price = 0.021
    price_egress_gb: Price = 0.09
    tagger_url: str | None = None
    tagger_model: str | None = None
    tagger_key: pydantic.SecretStr | None = None
    workers: Annotated[int, pydantic.Field(ge=1, le=64)] = 1
    log: Literal["console", "json"] = "console"

    fal: Provider = Provider()
    openai: Provider = Provider()
    wavespeed: Provider = Provider()
    ark: Provider = Provider()
    replicate: Provider = Provider()
    providers: dict[Annotated[str, pydantic.Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")], Provider] = {}
    """Of third parties' adapters, by name: `[NAME]` in the file, AMBROTYPE_<NAME>_API_KEY and so on in the environment."""

    @pydantic.field_validator(
        "cors_origins", "fetch_allow", "fetch_allow_all", "trusted_proxies", "renditions", mode="before"
    )
    @classmethod
    def _split(cls, value: object) -> object:
        return _words(value)

    @pydantic.field_validator("trusted_proxies", mode="after")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            ipaddress.ip_network(network)
        return value

    @pydantic.field_validator("renditions", mode="after")
    @classmethod
    def _renditions(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := sorted(set(value) - set(renditions.FILMS)):
            raise ValueError(f"it is a list of {', '.join(renditions.FILMS)}, not {wrong[0]!r}")
        return value

    @pydantic.field_validator("data", mode="after")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @pydantic.field_validator("public_url", "cdn_url", "tagger_url", mode="after")
    @classmethod
    def _base(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if not re.fullmatch(r"https?://[^/?#\s]+(/[^?#\s]*)?", value):
            raise ValueError("it must begin with http:// or https:// and have no query")
        return value.rstrip("/")

    @pydantic.field_validator("database_url", "database_direct_url", mode="after")
    @classmethod
    def _postgres(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("postgresql://", "postgres://")):
            raise ValueError("it must begin with postgresql://")
        return value

    @pydantic.field_validator("bootstrap_key", mode="after")
    @classmethod
    def _key(cls, value: pydantic.SecretStr | None) -> pydantic.SecretStr | None:
        if value is not None and not re.fullmatch(r"amb_[A-Za-z0-9_-]{20,200}", value.get_secret_value()):
            raise ValueError("it must be amb_ and at least 20 letters, digits, - or _")
        return value

    @pydantic.model_validator(mode="after")
    def _direct(self) -> "Settings":
        if self.database_direct_url and not self.database_url:
            raise ValueError("AMBROTYPE_DATABASE_DIRECT_URL is set without AMBROTYPE_DATABASE_URL")
        return self

    @pydantic.model_validator(mode="after")
    def _tagger(self) -> "Settings":
        if (self.tagger_url is None) != (self.tagger_model is None) or (self.tagger_key and not self.tagger_url):
            raise ValueError("AMBROTYPE_TAGGER_URL and AMBROTYPE_TAGGER_MODEL belong together: set both or neither")
        return self

    @pydantic.model_validator(mode="after")
    def _users(self) -> "Settings":
        if not (self.jwt_secret or self.jwks_url) and (self.jwt_audience or self.jwt_issuer):
            raise ValueError("AMBROTYPE_JWT_AUDIENCE or …_ISSUER is set without …_JWT_SECRET or …_JWKS_URL")
        if "default" in self.apps:
            raise ValueError("there is no group [apps.default]: that app has AMBROTYPE_JWT_SECRET and so on")
        seen: dict[tuple[object, ...], str] = {}
        for name, users in self.users().items():
            for source in filter(None, (users.jwt_secret, users.jwks_url)):
                shown = (source, users.jwt_audience, users.jwt_issuer)
                if seen.setdefault(shown, name) != name:
                    raise ValueError(
                        f"the apps {seen[shown]!r} and {name!r} can't be told apart by their users' tokens:"
                        " give each a jwt_issuer, a jwt_audience or a secret of its own"
                    )
        return self

    def users(self) -> dict[str, AppUsers]:
        """Whose tokens are taken, by app; empty where users can't sign in."""
        if not (self.jwt_secret or self.jwks_url):
            return dict(self.apps)
        own = AppUsers(
            jwt_secret=self.jwt_secret,
            jwks_url=self.jwks_url,
            jwt_audience=self.jwt_audience,
            jwt_issuer=self.jwt_issuer,
        )
        return {"default": own, **self.apps}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[pydantic_settings.BaseSettings],
        init_settings: pydantic_settings.PydanticBaseSettingsSource,
        env_settings: pydantic_settings.PydanticBaseSettingsSource,
        dotenv_settings: pydantic_settings.PydanticBaseSettingsSource,
        file_secret_settings: pydantic_settings.PydanticBaseSettingsSource,
    ) -> tuple[pydantic_settings.PydanticBaseSettingsSource, ...]:
        """Everything comes in through `load`, which knows where each value is from."""
        return (init_settings,)


def load(*, environment: Mapping[str, str] | None = None, file: Path | None = None, **given: Any) -> Settings:
    """The settings from `given` (strongest), the environment, and `ambrotype.toml` (in the working folder, or `file`).

    Raises `errors.InvalidSetting`, one sentence that names the setting and its value's fault.
    """
    values = _from_file(file or Path("ambrotype.toml"), required=file is not None)
    for path, value in _from_environment(os.environ if environment is None else environment):
        _put(values, path, value)
    for key, value in given.items():
        if value is not None:
            values[key] = value
    try:
        return Settings(**values)
    except pydantic.ValidationError as problem:
        raise errors.InvalidSetting(_sentence(problem)) from None


def _from_environment(environment: Mapping[str, str]) -> list[tuple[tuple[str, ...], str]]:
    found: list[tuple[tuple[str, ...], str]] = []
    for variable in sorted(environment):
        if not variable.startswith(PREFIX):
            continue
        name = variable[len(PREFIX) :].lower()
        provider, _, field = name.partition("_")
        path: tuple[str, ...] = (provider, field) if provider in PROVIDERS and field else (name,)
        if path[0] not in Settings.model_fields:
            path = _third_party(name) or path
        if path[0] not in Settings.model_fields or (len(path) > 1 and path[-1] not in Provider.model_fields):
            raise _unknown(variable, name)
        found.append((path, environment[variable]))
    return found


def _third_party(name: str) -> tuple[str, ...] | None:
    """Where a setting of a third party's adapter goes: AMBROTYPE_<NAME>_API_KEY and so on. Looked up only where no setting
    of our own has that name."""
    for field in Provider.model_fields:
        group = name.removesuffix(f"_{field}")
        for provider in providers.names():
            if group != name and provider.replace("-", "_") == group:
                return ("providers", provider, field)
    return None


def _unknown(shown: str, name: str) -> errors.InvalidSetting:
    if name.startswith(LATER):
        return errors.InvalidSetting(f"This version does not support the setting {shown} yet; remove it.")
    return errors.InvalidSetting(f"There is no setting {shown}; `docs/settings.md` lists them all.")


def _put(values: dict[str, Any], path: tuple[str, ...], value: str) -> None:
    field = path[-1]
    parsed: Any = value
    if field in ("retention", "price"):
        try:
            parsed = tomllib.loads(f"value = {value}")["value"] if "=" in value else json.loads(value)
        except ValueError:
            raise errors.InvalidSetting(
                f'{PREFIX}{"_".join(path).upper()} must be a JSON object such as {{"fal": 604800}}, not {value[:60]!r}.'
            ) from None
    target = values
    for part in path[:-1]:
        target = target.setdefault(part, {})
    target[field] = parsed


def _from_file(file: Path, *, required: bool) -> dict[str, Any]:
    if not file.exists():
        if required:
            raise errors.InvalidSetting(f"There is no settings file {file}.")
        return {}
    try:
        values = tomllib.loads(file.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise errors.InvalidSetting(f"{file} is not valid TOML: {problem}.") from None
    for name in [name for name in values if name not in Settings.model_fields]:
        if name not in providers.names():
            raise _unknown(f"{name!r} (in {file})", name)
        values.setdefault("providers", {})[name] = values.pop(name)
    return values


def _sentence(problem: pydantic.ValidationError) -> str:
    first = problem.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    name = PREFIX + where.replace(".", "_").upper()
    message = first["msg"].removeprefix("Value error, ")
    secret = any(word in where for word in ("key", "secret", "url", "token"))
    shown = "" if secret or not where else f" (it is {str(first['input'])[:60]!r})"
    return f"{name} is wrong: {message[0].lower() + message[1:]}{shown}." if where else f"{message}."
