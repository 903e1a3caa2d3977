"""Projects: named places and their versions."""

import urllib.parse

import orjson
import pydantic

from ambrotype import paging
from ambrotype.client import http
from ambrotype.client.asynchronous import answers, base
from ambrotype.core import errors
from ambrotype.core import projects as nouns

_PROJECT = pydantic.TypeAdapter(nouns.Project)
_SLOT = pydantic.TypeAdapter(nouns.Slot)
_PRUNED = pydantic.TypeAdapter(dict[str, int])


class Projects(base.Base):
    """Projects: named places and their versions."""

    def projects(self) -> paging.Listed[nouns.Project]:
        """The owner's projects by name."""
        return self._listed(_PROJECT, "/v1/projects")

    def slots(self, project: str) -> paging.Listed[nouns.Slot]:
        """A project's slots by name, each with its current and its pending item; `slot` tells their versions."""
        return self._listed(_SLOT, f"/v1/projects/{_encoded(project)}/slots")

    async def slot(self, project: str, name: str) -> nouns.Slot:
        """One slot with its versions, newest first; `errors.NotFound` where there is none such."""
        return answers.read(_SLOT, await self._http.send(http.Call(method="GET", path=_path(project, name))))

    async def show_version(self, project: str, slot: str, version: int) -> nouns.Slot:
        """Brings an old version back as the current one; what is kept later becomes current again by itself."""
        body = orjson.dumps({"version": version})
        call = http.Call(method="PUT", path=f"{_path(project, slot)}/current", body=body)
        return answers.read(_SLOT, await self._http.send(call))

    async def prune(self, project: str, slot: str, *, keep: int) -> int:
        """Moves all kept versions but the newest `keep` to the trash, never the current one; how many."""
        body = orjson.dumps({"keep": keep})
        call = http.Call(method="POST", path=f"{_path(project, slot)}/prune", body=body)
        return answers.read(_PRUNED, await self._http.send(call))["trashed"]


def _path(project: str, slot: str) -> str:
    return f"/v1/projects/{_encoded(project)}/slots/{_encoded(slot)}"


def _encoded(name: str) -> str:
    """Dots too: a name that is `..` must not climb."""
    try:
        return urllib.parse.quote(name, safe="").replace(".", "%2E")
    except UnicodeEncodeError:
        raise errors.InvalidRequest("A project's or slot's name must be valid Unicode.") from None
