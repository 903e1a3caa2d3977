"""A few persistent children that read foreign files, and the truth about those that could not be read."""

import asyncio
import contextlib
import dataclasses
import logging
import os
import stat
from pathlib import Path
from typing import Any

from ambrotype.core import errors, renditions, types
from ambrotype.core import media as nouns
from ambrotype.decoding import facts, findings, glance, process, protocol

log = logging.getLogger(__name__)

FILES_PER_CHILD = 1000
"""After so many files a child is replaced: what decoders leak, or what a file may have left behind, goes
with it."""

REASONS: dict[str, type[errors.CaptureFailed]] = {
    reason.code: reason for reason in (errors.NotMedia, errors.UnsupportedType, errors.Truncated)
}


LEAST_FILM, MOST_FILM, PER_SECOND = 120.0, 4 * 3600.0, 20.0
"""Seconds that making a film may take: at least, at most, and for each second of the original."""


class Decoder:
    """Reads at most `children` files at a time, each with `memory_bytes` of memory and for `seconds`.

    Belongs to one event loop. Children start when they are first needed; with `niceness` they leave the processor to
    others (0 to 19, as in nice(2)). What they make has at most `output_bytes`: none, unless that is given.
    """

    def __init__(
        self,
        *,
        children: int = 2,
        memory_bytes: int = 512 * 1024 * 1024,
        seconds: float = 20.0,
        niceness: int = 0,
        output_bytes: int = 0,
    ) -> None:
        self._children = children
        self._free = asyncio.Semaphore(children)
        self._idle: list[process.Child] = []
        self._endings: set[asyncio.Task[None]] = set()
        self._memory_bytes = memory_bytes
        self._seconds = seconds
        self._niceness = niceness
        self._output_bytes = output_bytes
        self._closed = False
        self.limits_in_force: tuple[str, ...] = ()
        """Which limits the last started child is under (names of `sandbox.enter`); empty before the first
        one."""

    async def warm(self) -> None:
        """Starts the first child, which takes a moment, before it is needed. What keeps it from starting is told then."""
        with contextlib.suppress(errors.Unavailable):
            async with self._free:
                self._put_back(await self._child(fresh=False))

    async def probe(self, path: Path, media: types.MediaType, *, holes: bool = False) -> facts.Facts:
        """What the file is, by its content and its header; `media` is what its first bytes said.

        `holes`: only head and tail of the sparse file are real. Then nothing is refused for what may lie in
        the hole, and `complete` is False where that hides the facts.

        Raises `errors.NotMedia`, `errors.Truncated` or `errors.UnsupportedType`; `errors.Unavailable` where
        no child can be started, which says nothing about the file; OSError where the file itself can't be
        opened.
        """
        raw = await self._run("probe", path, media, {"content_type": media.content_type, "holes": holes})
        try:
            return facts.from_json(raw)
        except ValueError as error:
            raise errors.NotMedia(
                f"Reading the {media.content_type} file gave nonsense ({error}): it is damaged or made to harm."
            ) from error

    async def texts(self, path: Path, media: types.MediaType) -> findings.Texts:
        """What generators and cameras left in a kept file. Raises as `probe`."""
        return findings.texts(await self._run("texts", path, media, {"content_type": media.content_type}))

    async def appearance(self, path: Path, media: types.MediaType) -> findings.Appearance:
        """What a kept picture, or a film's first frame, looks like. Raises as `probe`."""
        return findings.appearance(await self._run("appearance", path, media, {"content_type": media.content_type}))

    async def facts(self, path: Path, media: types.MediaType) -> nouns.Facts:
        """How a kept file is coded. Raises as `probe`."""
        return findings.facts(await self._run("facts", path, media, {"content_type": media.content_type}))

    async def glance(self, path: Path, media: types.MediaType) -> glance.Glance | None:
        """A small picture of a kept file, None where there is nothing to see. Raises as `probe`."""
        return glance.glance(await self._run("glance", path, media, {"content_type": media.content_type}))

    async def credentials(self, path: Path, media: types.MediaType) -> findings.Credentials:
        """A kept file's Content Credentials, checked against its bytes. Raises as `probe`."""
        return findings.credentials(await self._run("c2pa", path, media, {"content_type": media.content_type}))

    async def picture(
        self, path: Path, media: types.MediaType, wanted: renditions.Picture, *, output: int, source_type: str | None
    ) -> None:
        """Writes a smaller picture to the open file `output`; `source_type` is the IPTC code that it is marked with.

        Raises as `probe`, and `errors.UnsupportedType` where it would be too large.
        """
        arguments = {
            "content_type": media.content_type,
            "wanted": dataclasses.asdict(wanted),
            "source_type": source_type,
        }
        await self._run("picture", path, media, arguments, output=output)

    async def film(
        self,
        path: Path,
        media: types.MediaType,
        wanted: renditions.Film,
        *,
        output: int,
        source_type: str | None,
        duration: float | None,
    ) -> None:
        """Writes a smaller film to the open file `output`. It may take `film_seconds` of what the file says of its
        `duration`. Raises as `picture`."""
        arguments = {
            "content_type": media.content_type,
            "wanted": dataclasses.asdict(wanted),
            "source_type": source_type,
        }
        await self._run("film", path, media, arguments, output=output, seconds=film_seconds(wanted.seconds, duration))

    async def close(self) -> None:
        """Ends all children. What is being read finishes first; nothing can be read afterwards."""
        if self._closed:
            return
        self._closed = True
        for _ in range(self._children):
            await self._free.acquire()
        while self._idle:
            self._end(self._idle.pop())
        while self._endings:
            await asyncio.gather(*self._endings)

    async def _run(
        self,
        operation: str,
        path: Path,
        media: types.MediaType,
        arguments: dict[str, Any],
        *,
        output: int | None = None,
        seconds: float | None = None,
    ) -> dict[str, Any]:
        if self._closed:
            raise errors.Unavailable("The decoder is closed; nothing can be read any more.")
        fd = _open(path)
        try:
            async with self._free:
                request = {"operation": operation, "arguments": arguments}
                fds = [fd] if output is None else [fd, output]
                reply = await self._ask(request, fds, media, seconds=seconds or self._seconds)
        finally:
            os.close(fd)
        if "error" not in reply:
            result = reply.get("result")
            return result if isinstance(result, dict) else {}
        reason = REASONS.get(str(reply["error"]), errors.NotMedia)
        raise reason(str(reply.get("detail"))[:500])

    async def _ask(
        self, request: dict[str, Any], fds: list[int], media: types.MediaType, *, seconds: float
    ) -> dict[str, Any]:
        """One file, one child; a second one if the first died, since that may have been its own end and not
        the file's.

        A child that ran out of time is not tried again here: twice the time would be lost to each hostile
        file.
        """
        death: process.Died | None = None
        for fresh in (False, True):
            reader = await self._child(fresh=fresh)
            try:
                reply = await reader.ask(request, fds, seconds=seconds)
                if reply.get("error") == protocol.OUT_OF_MEMORY:
                    raise process.Died("needed more memory than it may have", by_chance=False)
            except process.Died as died:
                self._end(reader)
                death = died
                log.warning("a decoder %s on a file of type %s", died, media.content_type)
                if died.hung:
                    break
            except BaseException:
                self._end(reader)
                raise
            else:
                self._put_back(reader)
                return reply
        raise errors.NotMedia(
            f"The file could not be read: the decoder of {media.content_type} {death}. It is damaged or made to harm.",
            retry=death is not None and death.by_chance,
        )

    async def _child(self, *, fresh: bool) -> process.Child:
        while self._idle and not fresh:
            reader = self._idle.pop()
            if reader.is_alive:
                return reader
            self._end(reader)
        reader = await process.start(
            memory_bytes=self._memory_bytes, output_bytes=self._output_bytes, niceness=self._niceness
        )
        self.limits_in_force = reader.limits
        return reader

    def _put_back(self, reader: process.Child) -> None:
        if self._closed or reader.asked >= FILES_PER_CHILD:
            self._end(reader)
        else:
            self._idle.append(reader)

    def _end(self, reader: process.Child) -> None:
        """In a task of its own, so that a cancelled caller leaves no process behind."""
        ending = asyncio.get_running_loop().create_task(reader.end())
        self._endings.add(ending)
        ending.add_done_callback(self._endings.discard)


def film_seconds(wanted: float | None, duration: float | None) -> float:
    """Seconds that a film may take to make: in proportion to what it shows, and never without end."""
    shown = min(one for one in (wanted, duration, MOST_FILM) if one is not None)
    return min(MOST_FILM, LEAST_FILM + PER_SECOND * shown)


def _open(path: Path) -> int:
    """The descriptor that goes to the child: reading only, of a plain file. A local file opens in
    microseconds."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise errors.NotMedia("What is to be read is no plain file.")
    return fd
