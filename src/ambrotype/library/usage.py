"""Usage and what it will cost, of the caller; and how the whole installation is doing, for its administrator."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from ambrotype.core import errors, owners, usage
from ambrotype.records import database
from ambrotype.records import delivered as rows

MOST = 1000
"""Groups that are told; the total is of all."""
GB = 10**9
"""Bytes of a gigabyte, as prices mean it."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """USD for a GB: stored for a month, and sent."""

    storage: float
    egress: float


async def read(
    data: database.Database, who: owners.Principal, *, group_by: usage.GroupBy, prices: Prices
) -> usage.Usage:
    """What the caller's library uses. `errors.Forbidden` by owner, where the caller is not a service key."""
    if group_by not in usage.DIMENSIONS:
        raise errors.InvalidRequest(f"There is no usage by {str(group_by)[:40]!r}; use {', '.join(usage.DIMENSIONS)}.")
    if group_by == "owner" and who.role != "service":
        raise errors.Forbidden("Only a service key may see usage by owner; group by something else.")
    async with data.transaction(who) as tx:
        found = await rows.usage(tx, group_by)
    if group_by == "month":
        found = [row | {"key": row["key"][:7]} for row in found]
        found.sort(key=lambda row: row["key"], reverse=True)
    else:
        found.sort(key=lambda row: (-row["bytes"], -row["items"], row["key"] or ""))
    groups = [usage.Group(key=row["key"], app=row["app"], **_amounts([row], prices)) for row in found[:MOST]]
    return usage.Usage(groups=groups, total=usage.Amounts(**_amounts(found, prices)))


async def stats(data: database.Database) -> usage.Stats:
    """The whole installation."""
    async with data.transaction(owners.ADMINISTRATOR) as tx:
        found = await rows.states(tx)
        queue = usage.Queue(**await rows.queue(tx))
        at_risk = await rows.at_risk(tx)
    by_status = dict.fromkeys(("temporary", "keeping", "kept", "lost", "expired", "tombstone"), 0)
    outcomes = {"kept": 0}
    for row in found:
        by_status[row["status"]] += row["n"]
        code = row["lost_code"] or ("kept" if row["status"] == "kept" else None)
        if code is not None:
            outcomes[code] = outcomes.get(code, 0) + row["n"]
    return usage.Stats(by_status=by_status, queue=queue, outcomes=outcomes, at_risk=at_risk)


async def delivered(data: database.Database) -> Mapping[str, int]:
    """`views` and `bytes` of all that was ever delivered."""
    async with data.transaction(owners.ADMINISTRATOR) as tx:
        return await rows.totals(tx)


def _amounts(found: Iterable[Mapping[str, Any]], prices: Prices) -> dict[str, Any]:
    sums = dict.fromkeys(("items", "bytes", "rendition_bytes", "views", "egress", "recent"), 0)
    costs: dict[str, float] = {"USD": 0.0}
    for row in found:
        for name in sums:
            sums[name] += row[name]
        for currency, amount in row["costs"].items():
            costs[currency] = costs.get(currency, 0.0) + float(amount)
    projected = (sums["bytes"] + sums["rendition_bytes"]) / GB * prices.storage + sums["recent"] / GB * prices.egress
    return {
        "items": sums["items"],
        "bytes": sums["bytes"],
        "rendition_bytes": sums["rendition_bytes"],
        "views": sums["views"],
        "egress_bytes": sums["egress"],
        "cost": round(costs.pop("USD"), 6),
        "other_costs": {currency: round(amount, 6) for currency, amount in sorted(costs.items())},
        "projected_monthly_cost": round(projected, 6),
    }
