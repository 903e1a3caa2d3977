"""Webhooks: where events are told, and what became of it."""

import uuid
from typing import Annotated, Any

import typer

from ambrotype.cli import asking, options

Webhook = Annotated[uuid.UUID, typer.Argument(metavar="WEBHOOK", help="The webhook's id.")]
Events = Annotated[
    list[str] | None, typer.Option("--event", metavar="TYPE", help="Tell this type only; may be repeated.")
]


@options.reaching
def list_(where: options.Where, *, as_json: options.Json = False) -> None:
    """Webhooks, newest first; their secrets are not shown.

    \b
    Example:
      ambrotype webhooks list
    """
    found = asking.each(where, lambda library: library.webhooks())
    asking.show(
        found, ("id", "events", "state", "url"),
        lambda one: (str(one.id), ", ".join(one.events) or "all", "active" if one.active else "rests", one.url),
        grows="url", whole=("id",), as_json=as_json,
    )  # fmt: skip


@options.reaching
def create(
    where: options.Where,
    receiver: Annotated[str, typer.Argument(metavar="URL", help="Where events are told.")],
    *,
    event: Events = None,
    as_json: options.Json = False,
) -> None:
    """Has events told to a URL, and shows the secret that signs them, this once.

    \b
    Example:
      ambrotype webhooks create https://app.example.com/hook --event media.kept --event media.lost
    """
    from ambrotype.cli import output

    made = asking.of(where, lambda library: library.create_webhook(receiver, events=event or ()))
    asking.told(made, made.secret, as_json=as_json)
    if not as_json:
        output.say(f"It signs what {made.id} is told (Standard Webhooks). It is not shown again: store it now.")


@options.reaching
def edit(
    where: options.Where,
    webhook: Webhook,
    *,
    to: Annotated[str | None, typer.Option(metavar="URL", help="Where events are told from now on.")] = None,
    event: Events = None,
    active: Annotated[
        bool | None, typer.Option("--active/--rest", help="Whether it is told.", show_default=False)
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Changes a webhook; one that rests is told later what happened meanwhile.

    \b
    Example:
      ambrotype webhooks edit 01a2b3c4-… --rest
    """
    given: dict[str, Any] = {"url": to, "events": event or None, "active": active}
    changes = {name: value for name, value in given.items() if value is not None}
    found = asking.of(where, lambda library: library.edit_webhook(webhook, **changes))
    asking.told(found, f"Changed {webhook}.", as_json=as_json)


@options.reaching
def rm(where: options.Where, webhook: Webhook, *, as_json: options.Json = False) -> None:
    """Removes a webhook with its log.

    \b
    Example:
      ambrotype webhooks rm 01a2b3c4-…
    """
    asking.of(where, lambda library: library.delete_webhook(webhook))
    asking.told({"id": webhook, "removed": True}, f"Removed {webhook}.", as_json=as_json)


@options.reaching
def deliveries(where: options.Where, webhook: Webhook, *, as_json: options.Json = False) -> None:
    """What a webhook was told and what is to be, newest first.

    \b
    Example:
      ambrotype webhooks deliveries 01a2b3c4-…
    """
    found = asking.each(where, lambda library: library.webhook_deliveries(webhook))
    asking.show(
        found, ("id", "event", "state", "tries", "answer"),
        lambda one: (str(one.id), one.type, one.state, str(one.attempts), one.detail or str(one.status or "–")),
        grows="answer", whole=("id",), as_json=as_json,
    )  # fmt: skip


@options.reaching
def send_test(where: options.Where, webhook: Webhook, *, as_json: options.Json = False) -> None:
    """Sends a webhook something harmless.

    \b
    Example:
      ambrotype webhooks test 01a2b3c4-…
    """
    sent = asking.of(where, lambda library: library.test_webhook(webhook))
    asking.told(sent, f"{sent.id} is on its way; see `ambrotype webhooks deliveries {webhook}`.", as_json=as_json)


@options.reaching
def replay(
    where: options.Where,
    webhook: Webhook,
    delivery: Annotated[uuid.UUID, typer.Argument(metavar="DELIVERY", help="The delivery's id.")],
    *,
    as_json: options.Json = False,
) -> None:
    """Tells a delivery again, under its old id.

    \b
    Example:
      ambrotype webhooks replay 01a2b3c4-… 01d5e6f7-…
    """
    sent = asking.of(where, lambda library: library.replay_delivery(webhook, delivery))
    asking.told(sent, f"{sent.id} is told again.", as_json=as_json)
