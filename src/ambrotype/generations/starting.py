"""The first step of every generation: it is written down, and with it the promise to see it through."""

import uuid

from ambrotype.capture import accept, request
from ambrotype.core import errors, ids, owners, quotas
from ambrotype.generations import asked as asked_
from ambrotype.generations import configured
from ambrotype.generations import inputs as inputs_
from ambrotype.providers import contract
from ambrotype.records import accepting, database, following, media
from ambrotype.records import generations as rows


async def start(
    data: database.Database,
    who: owners.Principal,
    asked: asked_.GenerationRequest,
    *,
    providers: configured.Providers,
    rules: accept.Rules,
    public_url: str | None,
) -> uuid.UUID:
    """Writes a generation down, with its inputs; the worker submits it.

    Raises `errors.InvalidRequest` for what can be seen to be wrong, `errors.NotFound` for inputs that are not the
    caller's, `errors.QuotaExceeded`, and what `inputs.check` refuses.
    """
    provider = providers.get(asked.provider)
    if asked.kind is not None and asked.kind not in provider.kinds:
        raise errors.InvalidRequest(
            f"{asked.provider!r} makes no {asked.kind}; it makes {', '.join(sorted(provider.kinds))}.", pointer="/kind"
        )
    if asked.layout is not None and asked.layout not in rules.layouts:
        raise errors.InvalidRequest(
            f"There is no layout {asked.layout!r}; there are {', '.join(sorted(rules.layouts))}.", pointer="/layout"
        )
    given = [_kept(one, asked, rules=rules, trusted=who.is_key) for one in asked.inputs]
    quota = rules.quotas.of(who.owner)
    generation_id = ids.new()

    async def work(tx: database.Transaction) -> uuid.UUID:
        owner_id = await accepting.own(tx)
        await _room(tx, quota)
        found = [await _input(tx, one, item, quota=quota) for one, item in zip(asked.inputs, given, strict=True)]
        there = await media.some(tx, [one[0] for one in found])
        for media_id, _, _ in found:
            _check(media_id, there.get(media_id), provider=providers.get(asked.provider), public_url=public_url)
        values = {
            "id": generation_id,
            "owner_id": owner_id,
            **{
                name: getattr(asked, name)
                for name in ("provider", "model", "kind", "prompt", "keep", "project", "slot")
            },
            "settings": asked.settings,
            "wanted": asked.wanted(),
        }
        await rows.create(tx, values, found)
        await following.schedule(tx, generation_id=generation_id, owner_id=owner_id, provider=asked.provider)
        return generation_id

    done: uuid.UUID = await data.retrying(who, work)
    return done


def _kept(
    one: asked_.InputRequest, asked: asked_.GenerationRequest, *, rules: accept.Rules, trusted: bool
) -> accepting.Acceptance | None:
    """An input given by its URL is an item of its own, kept even where nothing comes of the job."""
    if one.url is None:
        return None
    wanted = request.KeepRequest(url=one.url, project=asked.project, visibility=asked.visibility, layout=asked.layout)
    return accept.acceptance(wanted, rules=rules, trusted=trusted)


async def _input(
    tx: database.Transaction, one: asked_.InputRequest, item: accepting.Acceptance | None, *, quota: quotas.Quota
) -> tuple[uuid.UUID, str, str | None]:
    if item is None:
        assert one.id is not None
        return one.id, one.role, None
    (accepted,) = await accepting.accept(tx, [item], quota=quota)
    if accepted.id is None:
        raise errors.QuotaExceeded(accepted.detail or "The input would be more than the quota.")
    return accepted.id, one.role, one.url


async def _room(tx: database.Transaction, quota: quotas.Quota) -> None:
    """Outputs are paid for when they come: there has to be room before."""
    if quota.limited:
        await accepting.within(tx, quota)


def _check(
    media_id: uuid.UUID, row: database.Row | None, *, provider: contract.Provider, public_url: str | None
) -> None:
    if row is None:
        raise errors.NotFound(f"There is no media item {media_id} to be an input.")
    if row["status"] in ("lost", "expired"):
        raise errors.Conflict(
            f"The input {media_id} is {row['status']} and has no bytes; keep it again from another URL."
        )
    if row["provider"] == provider.name and row["request_id"]:
        return  # the provider has it
    inputs_.check(provider, public_url=public_url, size=row["size"])
