"""`ambrotype simulate`: providers and their CDN on this machine."""

from typing import Annotated

import typer

from ambrotype.cli import options


def simulate(
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8585,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """A CDN on this machine whose URLs really stop working, and five providers that make them. It needs no data folder.

    `ambrotype serve` fetches from it only if AMBROTYPE_FETCH_ALLOW has its address: private addresses are refused.

    \b
    Example:
      ambrotype simulate &
      AMBROTYPE_FETCH_ALLOW=127.0.0.1:8585 ambrotype serve
    """
    import asyncio

    from ambrotype.cli import binding, output, running
    from ambrotype.simulator import server

    address = binding.resolved(host)
    chosen = binding.free(address, port)

    async def told() -> None:
        async with server.running(host=address, port=chosen) as simulator:
            output.json({"url": simulator.url}, compact=True)
            await asyncio.Event().wait()

    running.run(told() if as_json else server.serve(address, chosen))
