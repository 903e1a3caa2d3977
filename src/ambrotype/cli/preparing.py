"""What a server does before its processes may: it migrates, tries database and store, and sees that somebody can sign in."""

import asyncio
import dataclasses

from ambrotype import app as app_
from ambrotype import folder
from ambrotype import settings as settings_
from ambrotype.accounts import keys, sessions
from ambrotype.cli import binding, output
from ambrotype.core import errors


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class First:
    """What is shown at the first start, this once: a service key, and a link that signs a browser in."""

    key: str = dataclasses.field(repr=False)
    link: str = dataclasses.field(repr=False)


def run(settings: settings_.Settings, *, address: str, url: str) -> First | None:
    """The first service key, where there was none. Raises what is wrong with settings, database or store."""
    made = asyncio.run(_prepared(settings, address, url))
    folder.serve_at(settings.data, url)
    return made


async def _prepared(settings: settings_.Settings, address: str, url: str) -> First | None:
    async with app_.opened(settings, say=output.say) as app:
        if await keys.any_service(app.data):
            return None
        if not binding.loopback(address) and not app.tokens.any:
            raise errors.InvalidSetting(
                f"Nobody could sign in yet, so only loopback may be listened on, not {address}: set"
                " AMBROTYPE_BOOTSTRAP_KEY, AMBROTYPE_JWT_SECRET or AMBROTYPE_JWKS_URL, or make a key with"
                " `ambrotype keys create NAME --role service`."
            )
        made = await keys.create(app.data, name="first", role="service")
        if made is None:
            return None
        link = await sessions.one_time_link(app.data, public_url=settings.public_url or url)
        return First(key=made.key, link=link)
