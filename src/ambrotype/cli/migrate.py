"""`ambrotype migrate`: the schema."""

from ambrotype.cli import options


def migrate(*, data: options.Data = None, as_json: options.Json = False) -> None:
    """Brings the database's schema up to date, and says which migrations it applied.

    `serve` and `work` do so too when they start; this is for doing it beforehand, as the database's owner.

    \b
    Example:
      AMBROTYPE_DATABASE_URL=postgresql://owner@host/db ambrotype migrate
    """
    import asyncio

    from ambrotype import settings as settings_
    from ambrotype.cli import output, running
    from ambrotype.records import embedded
    from ambrotype.records import migrate as migrations

    async def applied() -> list[str]:
        settings = settings_.load(data=data)
        if settings.database_url is not None:
            dsn = settings.database_direct_url or settings.database_url
            return await asyncio.to_thread(migrations.apply, dsn)
        async with embedded.joined(settings.data, say=output.say) as cluster:
            return await asyncio.to_thread(migrations.apply, cluster.dsn("postgres"))

    names = running.run(applied())
    if as_json:
        output.json({"applied": names})
    elif names:
        for name in names:
            output.result(f"applied {name}")
    else:
        output.result("The schema is up to date.")
