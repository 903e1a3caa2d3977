"""Runs an adapter's conversation over HTTP: the least that does, for the simulator."""

from typing import Any

import aiohttp

from ambrotype.providers import contract, places


async def talk(
    session: aiohttp.ClientSession, provider: contract.Provider, conversation: contract.Conversation[Any]
) -> Any:
    """What the conversation returns; raises `contract.Refused`."""
    events: list[bytes] = []
    reply: contract.Reply | None = None
    try:
        step = next(conversation)
        while True:
            if isinstance(step, contract.Request):
                reply, events = await ask(session, provider, step)
            elif reply is not None:
                reply = contract.Reply(
                    status=reply.status, headers=reply.headers, body=events.pop(0) if events else b""
                )
            assert reply is not None
            step = conversation.send(reply)
    except StopIteration as end:
        return end.value


async def ask(
    session: aiohttp.ClientSession, provider: contract.Provider, wanted: contract.Request
) -> tuple[contract.Reply, list[bytes]]:
    """One reply, and the events behind it."""
    headers = dict(wanted.headers)
    if places.at_home(wanted.url, provider.base_url):
        headers |= provider.credentials()
    data: Any = wanted.body
    if wanted.parts:
        data = aiohttp.FormData(default_to_multipart=True)
        for part in wanted.parts:
            data.add_field(part.name, part.data, filename=part.filename, content_type=part.content_type)
    async with session.request(
        wanted.method, wanted.url, headers=headers, json=wanted.json, data=data, allow_redirects=False
    ) as answer:
        body = await answer.read() if wanted.first is None else await answer.content.read(wanted.first)
        told = {name.lower(): value for name, value in answer.headers.items()}
        events = []
        if wanted.events and answer.content_type == "text/event-stream":
            blocks = body.replace(b"\r\n", b"\n").split(b"\n\n")
            datas = [[line[5:].strip() for line in block.split(b"\n") if line.startswith(b"data:")] for block in blocks]
            body, *events = [b"\n".join(data) for data in datas if data] or [b""]
        return contract.Reply(status=answer.status, headers=told, body=body), events
