"""What the protocols have in common: who may ask, which faults strike, what is counted, where outputs are."""

import dataclasses
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Literal

import orjson
from aiohttp import web
from multidict import MultiDictProxy

from ambrotype.core import errors
from ambrotype.simulator import answers
from ambrotype.simulator.providers import book, courier, outputs, seals
from ambrotype.simulator.state import Simulator

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Problem(Exception):
    """Something that the vendor refuses; each says it in words of its own."""

    def __init__(
        self, status: int, message: str, *, kind: str = "", param: str | None = None, after: float = 0
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.param, self.after = status, message, param, after
        self.kind = kind or _KINDS.get(status, "internal" if status >= 500 else "invalid")


_KINDS = {401: "unauthenticated", 404: "not_found", 410: "gone", 429: "rate_limited"}


class Silence(Exception):
    """The connection is closed without an answer."""


def answer(document: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """A JSON document."""
    told = {"Content-Type": "application/json", **(headers or {})}
    return web.Response(body=orjson.dumps(document), status=status, headers=told)


async def document(request: web.Request) -> dict[str, Any]:
    """The body as a JSON object."""
    try:
        read = orjson.loads(await request.read())
    except orjson.JSONDecodeError:
        raise Problem(400, "The request body is not valid JSON.") from None
    if not isinstance(read, dict):
        raise Problem(400, "The request body must be a JSON object.")
    return read


async def posted(request: web.Request) -> MultiDictProxy[str | bytes | bytearray | web.FileField]:
    """The parts of a form."""
    try:
        return await request.post()
    except ValueError:
        raise Problem(400, "The form can't be read.") from None


def number(body: Mapping[str, Any], name: str, *, default: float, most: float) -> float:
    """A number of a body, above 0 and at most `most`."""
    value = body.get(name)
    try:
        read = default if value is None else float(value)
    except (TypeError, ValueError):
        raise Problem(422, f"{name}: a number was expected.", param=name) from None
    if not 0 < read <= most:
        raise Problem(422, f"{name}: expected more than 0 and at most {most:g}.", param=name)
    return read


@dataclasses.dataclass(frozen=True, kw_only=True)
class Vendor:
    """How a vendor differs from the others."""

    name: str
    prefix: str
    """Of its paths here: `/fal`."""
    style: str
    """Of its outputs' URLs: one of the CDN's."""
    life: float
    """Seconds that its outputs live, unless told otherwise."""
    remints: bool
    """Each poll gives fresh URLs."""
    refuse: Callable[[Problem], web.Response]
    scheme: Literal["Bearer", "Key"] = "Bearer"
    seal: courier.Seal = seals.none
    secret: Callable[[], str] = seals.secret


class Desk:
    """One vendor's, in one simulator."""

    def __init__(self, simulator: Simulator, vendor: Vendor) -> None:
        self.simulator, self.vendor, self.book = simulator, vendor, simulator.book
        self.book.accounts.setdefault(vendor.name, book.Account(secret=vendor.secret()))

    @property
    def account(self) -> book.Account:
        return self.book.accounts[self.vendor.name]

    def routes(
        self, *rows: tuple[str, str, Handler], open: Iterable[tuple[str, str, Handler]] = ()
    ) -> list[web.RouteDef]:
        """Routes that ask for a key, and those that do not."""
        guarded = [web.route(method, self.vendor.prefix + path, self._guarded(do)) for method, path, do in rows]
        return guarded + [web.route(method, self.vendor.prefix + path, self._framed(do)) for method, path, do in open]

    def _guarded(self, do: Handler) -> Handler:
        async def checked(request: web.Request) -> web.StreamResponse:
            self._admit(request)
            return await do(request)

        return self._framed(checked)

    def _framed(self, do: Handler) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                if self.account.away:
                    raise Problem(self.account.away, "This service has been shut down.")
                return await do(request)
            except Problem as problem:
                return self._refused(problem)
            except Silence:
                return self._silence(request)
            except errors.InvalidRequest as wrong:
                return self._refused(Problem(400, str(wrong)))

        return handle

    def _refused(self, problem: Problem) -> web.Response:
        response = self.vendor.refuse(problem)
        if problem.after:
            response.headers["Retry-After"] = f"{problem.after:g}"
        return response

    def _silence(self, request: web.Request) -> web.StreamResponse:
        seen = answers.Seen(method=request.method, path=request.path, headers={})
        return answers.Wire(answers.Answer(silent=True, end="close"), seen=seen, closing=self.simulator.closing)

    def _admit(self, request: web.Request) -> None:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if not key:
            raise Problem(401, "You did not send an API key.")
        if scheme.lower() != self.vendor.scheme.lower() or key.strip() not in self.account.keys:
            raise Problem(401, "The API key is not valid.")

    def key(self, request: web.Request) -> str:
        """The key of an admitted request."""
        return request.headers["Authorization"].partition(" ")[2].strip()

    def base(self, request: web.Request) -> str:
        """What this vendor's URLs begin with, as the caller reached it: by its prefix or by its own name."""
        scheme = "https" if request.secure else "http"
        prefix = self.vendor.prefix if request.path.startswith(f"{self.vendor.prefix}/") else ""
        return f"{scheme}://{request.host}{prefix}"

    # Jobs

    async def take(
        self,
        request: web.Request,
        *,
        id: str,
        model: str,
        body: Mapping[str, Any],
        files: Callable[[book.Job], list[outputs.File]] = lambda job: [],
        webhook: str | None = None,
        simulate: Any = None,
        **about: Any,
    ) -> book.Job:
        """Takes a job, or does what its plan says instead. The `simulate` of body and header is for the plan alone.
        `files` makes its outputs, or refuses the input: then nothing is taken.
        """
        given = (simulate if simulate is not None else body.get("simulate"), request.headers.get("X-Simulate"))
        plan = self.book.plan(self.vendor.name, model, given)
        content = {name: value for name, value in body.items() if name != "simulate"}
        print_ = book.fingerprint(self.vendor.name, model, content)
        entry = book.Submission(
            at=self.book.real(), provider=self.vendor.name, model=model, fingerprint=print_, tag=plan.tag
        )
        self.book.submissions.append(entry)
        struck = bool(plan.submit) and (not plan.submits or self.book.struck(f"{plan.submit}:{print_}") < plan.submits)
        if struck and plan.submit != "lost":
            entry.answered = int(plan.submit)
            words = "The simulated provider refuses this submission."
            raise Problem(entry.answered, words, after=plan.retry_after)
        if plan.early:
            plan = dataclasses.replace(plan, queue=0.0, run=0.0)
        job = book.Job(
            id=id,
            number=self.book.number(),
            provider=self.vendor.name,
            model=model,
            body=content,
            plan=plan,
            created=self.book.now(),
            fingerprint=print_,
            webhook=webhook,
            key=self.key(request),
            base=self.base(request),
            life=self.vendor.life if plan.life is None else plan.life,
            about=about,
        )
        try:
            job.files = files(job)
        except Problem as problem:
            entry.answered = problem.status
            raise
        self.book.jobs[id] = job
        entry.job, entry.answered = id, 0 if struck else 200
        job.about["silent"] = struck
        return job

    async def begin(self, job: book.Job, compose: courier.Compose, *events: tuple[float, str]) -> None:
        """Sets its webhooks going; called when the job is complete in itself, before the answer. `events` are what is
        told besides `completed`, and when."""
        if job.plan.early:
            await self.simulator.courier.tell(job, "completed", compose)
        elif job.plan.webhook:
            for when, event in (*events, (job.ends, "completed")):
                self.simulator.courier.schedule(job, when, event, compose)
        self.spoken(job)

    def spoken(self, job: book.Job) -> None:
        """Raises `Silence` where the answer to its submission is to be lost."""
        if job.about["silent"]:
            raise Silence

    def find(self, id: str) -> book.Job:
        """The job; 404 where there is none."""
        job = self.book.jobs.get(id)
        if job is None or job.provider != self.vendor.name or job.deleted:
            raise Problem(404, f"There is no job {id[:100]!r}.")
        if job.plan.away:
            raise Problem(job.plan.away, "This service has been shut down.")
        return job

    def poll(self, id: str) -> book.Job:
        """The job, asked where it stands: counted, and refused where its plan says so."""
        job = self.find(id)
        moment = self.book.real()
        hasty = bool(job.polls) and moment - job.polls[-1] < job.plan.pace
        job.polls.append(moment)
        struck = job.plan.poll and (not job.plan.polls or len(job.polls) <= job.plan.polls)
        if hasty or struck:
            job.refused += 1
            words = "The simulated provider refuses this poll."
            raise Problem(429 if hasty else job.plan.poll, words, after=job.plan.retry_after)
        return job

    async def cancel(self, job: book.Job, compose: courier.Compose) -> bool:
        """Whether it could be cancelled; then its receiver hears of it."""
        now = self.book.now()
        if not job.cancel(now):
            return False
        if job.plan.webhook:
            self.simulator.courier.schedule(job, now, "completed", compose)
        return True

    def url(self, job: book.Job, file: outputs.File, *, ttl: float | None = None) -> str:
        """Of an output. The same each time, or a fresh one where that is the plan; never longer than the outputs live."""
        fresh = self.vendor.remints if job.plan.remint is None else job.plan.remint
        known = job.minted.get(file.index)
        if known and not fresh:
            return known
        now = self.book.now()
        end = job.ends + job.life
        wish = job.plan.ttl if job.plan.ttl is not None else ttl
        if wish is not None:
            end = min(end, (now if fresh else job.ends) + wish)
        minted = (
            self.simulator.sign_key(file.path, style="public", host=None, ttl=1)
            if math.isinf(end)
            else self.simulator.sign_key(file.path, style=self.vendor.style, host=None, ttl=end - now)
        )
        job.minted[file.index] = minted
        return minted

    def letters(self, job: book.Job, document: Mapping[str, Any], *, id: str | None = None) -> list[courier.Letter]:
        """One to the job's own receiver, signed as the vendor does."""
        if job.webhook is None:
            return []
        return [self.letter(job.webhook, document, secret=self.account.secret, id=id)]

    def letter(self, url: str, document: Mapping[str, Any], *, secret: str, id: str | None = None) -> courier.Letter:
        """To `url`."""
        return courier.Letter(
            url=url,
            id=id or courier.letter_id(),
            document=document,
            seal=self.vendor.seal,
            secret=secret,
            forge=self.vendor.secret,
        )
