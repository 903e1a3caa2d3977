"""The composition root: settings → database, store, rules, worker. The only place that knows all of them."""

import asyncio
import contextlib
import dataclasses
import datetime
import importlib.metadata
import tomllib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import structlog

from ambrotype import addresses as addresses_
from ambrotype import folder, tasks
from ambrotype import providers as adapters
from ambrotype import settings as settings_
from ambrotype.accounts import jwks, tokens, vault
from ambrotype.accounts import keys as accounts
from ambrotype.capture import accept, fetch, network, pipeline, worker
from ambrotype.capture.uploads import resumable
from ambrotype.core import errors, expiry, layout, quotas, renditions
from ambrotype.decoding import decoder as decoders
from ambrotype.delivery import keyring, signing
from ambrotype.generations import calling, configured, costing, ending, following, hearing, renewing
from ambrotype.generations import inputs as inputs_
from ambrotype.library import inspecting, inspection, tagging
from ambrotype.maintenance import risk, sweep, webhooks
from ambrotype.providers import contract as provider_contract
from ambrotype.records import database, embedded, listening, migrate
from ambrotype.renditions import making, working
from ambrotype.renditions import rendering as rendering_
from ambrotype.settings import Settings
from ambrotype.storage import contract, stores

CAPTURE_CHANNEL = "ambrotype_capture"
MEDIA_CHANNEL = "ambrotype_media"
RENDITION_CHANNEL = "ambrotype_rendition"
KEY_CHANNEL = "ambrotype_key"
GENERATION_CHANNEL = "ambrotype_generation"
USER_AGENT = f"Ambrotype/{importlib.metadata.version('ambrotype')}"
FILM_MEMORY = 2 * 2**30
"""Bytes for a child that makes videos: frames of 8192 × 8192 pixels are decoded."""
OPEN_GUEST = quotas.Quota(items=200, bytes=2 * 2**30)
"""Of guests that anybody may be, unless the settings say otherwise."""

Derive = Callable[[uuid.UUID, Path, str | None], Awaitable[None]]

log = structlog.get_logger("ambrotype")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """Everything that a process of Ambrotype works with."""

    settings: Settings
    data: database.Database
    direct: str
    """Connection string for LISTEN."""
    store: contract.Store
    rules: accept.Rules
    addresses: addresses_.Addresses
    signing_keys: tuple[signing.Key, ...]
    tokens: tokens.Tokens
    """Users' tokens."""
    providers: configured.Providers
    caller: calling.Caller
    """Talks to them."""
    hearing: hearing.Hearing
    """Hears their webhooks."""


@contextlib.asynccontextmanager
async def opened(settings: Settings, *, say: Callable[[str], None] = lambda sentence: None) -> AsyncIterator[App]:
    """Starts or joins the database, brings its schema up to date, opens the store. `say` is told what takes long."""
    async with contextlib.AsyncExitStack() as stack:
        data_folder = folder.made(settings.data)
        if settings.database_url is None:
            cluster = await stack.enter_async_context(embedded.joined(data_folder, say=say))
            own, direct, admin = cluster.dsn("ambrotype"), cluster.dsn("ambrotype"), cluster.dsn("postgres")

            async def revive() -> None:
                await embedded.ensure(cluster)

        else:
            own = settings.database_url
            direct = admin = settings.database_direct_url or own

            async def revive() -> None:
                await asyncio.sleep(0.2)

        await asyncio.to_thread(migrate.apply, admin)
        data = database.Database(own, pooler=settings.database_direct_url is not None, revive=revive)
        await data.open()
        stack.push_async_callback(data.close)
        store = stores.open_store(
            settings.store_url or "", default_root=data_folder / "store", min_free=settings.min_free
        )
        stack.push_async_callback(store.close)
        keys = (
            keyring.parse(settings.signing_keys.get_secret_value())
            if settings.signing_keys
            else await asyncio.to_thread(keyring.load_or_create, data_folder / "signing-keys")
        )
        users = tokens.Tokens(_issuers(settings))
        stack.push_async_callback(users.close)
        rules = _rules(settings)
        providers = _providers(settings)
        caller = calling.Caller(allowed=rules.allowed_for_keys, user_agent=USER_AGENT)
        stack.push_async_callback(caller.close)
        if settings.bootstrap_key is not None:
            await accounts.create(data, name="bootstrap", secret=settings.bootstrap_key.get_secret_value())
        yield App(
            settings=settings,
            data=data,
            direct=direct,
            store=store,
            rules=rules,
            addresses=addresses_.Addresses(
                public_url=settings.public_url or folder.served_at(settings.data),
                cdn_url=settings.cdn_url,
                keys=keys,
                trash=datetime.timedelta(days=settings.trash_days) if settings.trash_days is not None else None,
            ),
            signing_keys=keys,
            tokens=users,
            providers=providers,
            caller=caller,
            hearing=hearing.Hearing(data, providers=providers, caller=caller),
        )


@contextlib.asynccontextmanager
async def tools(app: App) -> AsyncIterator[pipeline.Tools]:
    """What captures need besides: the fetcher and the decoding children."""
    spool = app.settings.data / "tmp"
    async with contextlib.AsyncExitStack() as stack:
        fetcher = await stack.enter_async_context(
            fetch.Fetcher(
                fetch.Limits(
                    max_bytes=app.settings.fetch_max_bytes,
                    timeout=app.settings.fetch_timeout,
                    min_rate=app.settings.fetch_min_rate,
                ),
                user_agent=USER_AGENT,
            )
        )
        decoder = decoders.Decoder()
        stack.push_async_callback(decoder.close)
        yield pipeline.Tools(
            data=app.data,
            store=app.store,
            fetcher=fetcher,
            decoder=decoder,
            layouts=app.rules.layouts,
            allowed=lambda trusted: app.rules.allowed(trusted=trusted),
            spool=spool,
            providers=renewing.Renewing(data=app.data, providers=app.providers, caller=app.caller, rules=app.rules),
        )


async def work(app: App, stop: asyncio.Event) -> None:
    """Captures, looks into what is kept, and sweeps until `stop` is set."""
    async with tools(app) as ready, contextlib.AsyncExitStack() as stack:
        capturing = worker.Worker(ready, rules=app.rules, concurrency=app.settings.fetch_concurrency)
        maker = await stack.enter_async_context(_making(app, spool=ready.spool, busy=capturing.busy))
        inspector = await stack.enter_async_context(_inspecting(app, spool=ready.spool, derive=maker.at_once))
        inspector.give_way(capturing.busy)
        teller = webhooks.Teller(
            app.data,
            box=vault.box([key.secret for key in app.signing_keys], purpose="webhooks"),
            # Users' webhooks never reach a private network, whatever captures may.
            allowed=lambda trusted: app.rules.allowed_for_keys if trusted else network.NOTHING,
            user_agent=USER_AGENT,
        )

        follower = following.Follower(
            providers=app.providers,
            caller=app.caller,
            outputs=ending.Tools(capture=ready, rules=app.rules),
            inputs=inputs_.Tools(store=app.store, addresses=app.addresses, public_url=public_url(app.settings)),
            price=costing.cost,
        )

        def heard(channel: str, _: str) -> None:
            if channel == CAPTURE_CHANNEL:
                capturing.wake()
            elif channel == RENDITION_CHANNEL:
                maker.wake()
            elif channel == GENERATION_CHANNEL:
                follower.wake()
            else:
                inspector.wake()
                teller.wake()

        channels = [CAPTURE_CHANNEL, MEDIA_CHANNEL, RENDITION_CHANNEL, GENERATION_CHANNEL]
        listened = asyncio.create_task(listening.listen(app.direct, channels, heard))
        sweeping = asyncio.create_task(
            sweep.forever(
                app.data,
                app.store,
                spool=ready.spool,
                days=app.settings.sweep_days,
                rendition_days=app.settings.rendition_days,
                trash_days=app.settings.trash_days,
                uploads=resumable.Resumables(ready, app.rules, most=app.settings.upload_max_bytes),
            )
        )
        telling = asyncio.create_task(teller.forever(), name="webhooks")
        seeing = asyncio.create_task(_tag(app), name="tagging")
        warming = asyncio.create_task(ready.decoder.warm(), name="decoder")
        warning = asyncio.create_task(risk.forever(app.data), name="warnings")
        ended = asyncio.Event()
        followed = asyncio.create_task(follower.run(ended), name="generations")
        stopping = asyncio.create_task(_passed_on(stop, ended))
        try:
            await capturing.run(stop)
        finally:
            ended.set()
            await asyncio.wait([followed], timeout=following.GRACE)
            await tasks.ended(listened, sweeping, telling, warming, warning, stopping, followed, seeing)


async def _passed_on(stop: asyncio.Event, to: asyncio.Event) -> None:
    await stop.wait()
    to.set()


@contextlib.asynccontextmanager
async def _inspecting(app: App, *, spool: Path, derive: Derive) -> AsyncIterator[inspecting.Inspecting]:
    """Looks into kept files for the length of the block, in a child that leaves the processor to captures."""
    decoder = decoders.Decoder(children=1, seconds=60.0, niceness=10)
    inspector = inspecting.Inspecting(
        inspection.Tools(
            data=app.data,
            store=app.store,
            decoder=decoder,
            spool=spool,
            derive=derive,
            tagging=app.settings.tagger_url is not None,
        )
    )
    running = asyncio.create_task(inspector.forever(), name="inspections")
    try:
        yield inspector
    finally:
        await tasks.ended(running)
        await decoder.close()


@contextlib.asynccontextmanager
async def _making(app: App, *, spool: Path, busy: Callable[[], bool]) -> AsyncIterator[working.Working]:
    """Makes renditions for the length of the block, in children that leave the processor to everybody else."""
    decoder = decoders.Decoder(children=1, niceness=10, output_bytes=renditions.MOST_BYTES)
    films = decoders.Decoder(children=1, memory_bytes=FILM_MEMORY, niceness=15, output_bytes=renditions.MOST_FILM_BYTES)
    made = making.Tools(data=app.data, store=app.store, decoder=decoder, spool=spool, films=films)
    maker = working.Working(made, eager=app.settings.renditions, busy=busy)
    running = asyncio.create_task(maker.forever(), name="renditions")
    try:
        yield maker
    finally:
        await tasks.ended(running)
        await decoder.close()
        await films.close()


@contextlib.asynccontextmanager
async def rendering(app: App) -> AsyncIterator[rendering_.Rendering]:
    """Makes pictures while somebody waits for them, in children of this process that start with the first."""
    decoder = decoders.Decoder(children=2, niceness=5, output_bytes=renditions.MOST_BYTES)
    made = making.Tools(data=app.data, store=app.store, decoder=decoder, spool=app.settings.data / "tmp")
    answering = rendering_.Rendering(made)
    try:
        yield answering
    finally:
        await answering.close()
        await decoder.close()


async def _tag(app: App) -> None:
    """Asks a vision model about what is kept, where the settings name one."""
    settings = app.settings
    if settings.tagger_url is not None and settings.tagger_model is not None:
        key = settings.tagger_key.get_secret_value() if settings.tagger_key is not None else None
        await tagging.forever(app.data, tagging.Model(url=settings.tagger_url, name=settings.tagger_model, key=key))


def public_url(settings: Settings) -> str | None:
    """Where others reach this installation: as the settings say, or where its server was last served; None without one."""
    return settings.public_url or folder.last_served_at(settings.data)


def _rules(settings: Settings) -> accept.Rules:
    layouts = dict(layout.PRESETS)
    if settings.layout not in layouts:
        layouts[settings.layout] = _layout_file(Path(settings.layout))
    everybody = network.Allowed.parse(settings.fetch_allow_all, setting="AMBROTYPE_FETCH_ALLOW_ALL")
    return accept.Rules(
        allowed_for_keys=network.Allowed.parse((*settings.fetch_allow, *settings.fetch_allow_all)),
        allowed_for_all=everybody,
        visibility=settings.default_visibility,
        layout=settings.layout,
        layouts=layouts,
        retention={**expiry.POLICY, **settings.retention},
        quotas=_quotas(settings),
    )


def _providers(settings: Settings) -> configured.Providers:
    """Those with a key."""
    groups = {name: getattr(settings, name) for name in settings_.PROVIDERS} | settings.providers
    made: dict[str, provider_contract.Provider] = {}
    missing = {name: f"AMBROTYPE_{name.upper().replace('-', '_')}_API_KEY" for name in adapters.names()}
    for name, group in groups.items():
        if group.api_key is None:
            continue
        missing.pop(name, None)
        made[name] = adapters.make(
            name,
            provider_contract.Config(
                api_key=group.api_key.get_secret_value(),
                base_url=group.base_url.rstrip("/") if group.base_url else None,
                webhook_secret=group.webhook_secret.get_secret_value() if group.webhook_secret else None,
                price=group.price,
            ),
        )
    return configured.Providers(adapters=made, settings=missing)


def _issuers(settings: Settings) -> Iterator[tokens.Issuer]:
    for name, users in settings.users().items():
        yield tokens.Issuer(
            app=name,
            secret=users.jwt_secret.get_secret_value().encode() if users.jwt_secret else None,
            keys=jwks.Jwks(users.jwks_url) if users.jwks_url else None,
            audiences=users.jwt_audience,
            issuer=users.jwt_issuer,
        )


def _quotas(settings: Settings) -> quotas.Quotas:
    """Guests have the quota of users, unless they have one of their own; where anybody may be one they always have."""
    anybody = settings.guests == "open"
    guest_items, guest_bytes = settings.quota_guest_items, settings.quota_guest_bytes
    users = quotas.Quota(items=settings.quota_items, bytes=settings.quota_bytes)
    return quotas.Quotas(
        users=users,
        guests=quotas.Quota(
            items=guest_items if guest_items is not None else OPEN_GUEST.items if anybody else users.items,
            bytes=guest_bytes if guest_bytes is not None else OPEN_GUEST.bytes if anybody else users.bytes,
        ),
    )


def _layout_file(file: Path) -> layout.Layout:
    try:
        return layout.from_mapping(tomllib.loads(file.read_text()))
    except OSError:
        raise errors.InvalidSetting(
            f"AMBROTYPE_LAYOUT: {str(file)!r} is neither a preset ({', '.join(layout.PRESETS)}) nor a readable file."
        ) from None
    except tomllib.TOMLDecodeError as problem:
        raise errors.InvalidSetting(f"AMBROTYPE_LAYOUT: {file} is not valid TOML: {problem}.") from None
