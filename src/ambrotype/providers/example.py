"""How to write an adapter: a small, whole, working one, for the made-up provider Atelier.

Copy it, and change its words. Then name its factory in your package's `pyproject.toml`:

    [project.entry-points."ambrotype.providers"]
    atelier = "your_package.atelier:Atelier"

and give it a key in `ambrotype.toml`:

    [providers.atelier]
    api_key = "…"

Atelier is a provider like most. `POST /jobs` starts a job and answers `{"id", "state"}`; `GET /jobs/{id}` tells
`{"id", "state": "waiting|drawing|done|broken", "share", "pictures": [{"url", "dies_at"}], "why": {"code", "message"},
"charged": {"pictures"}}`; `POST /jobs/{id}/stop` stops it; it reports by Standard Webhooks.

An adapter opens no connection and keeps no state: each method describes requests by `yield` and is handed the replies.
So it needs no mocks to test, either: `checking.problems` runs it against replies that you write down, and says what is
wrong. `tests/providers/test_example.py` does that for this one.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ambrotype.core import moments

# `adapter` gives the attributes, `replies` reads answers and words refusals, `places` builds URLs from foreign words,
# `media_in` finds files in an answer, `media_out` turns inputs into parameters, `keepable` makes raw replies fit for
# the database, `signatures` verifies webhooks. None of them is a must: `contract` is all that counts.
from ambrotype.providers import adapter, contract, keepable, media_in, media_out, places, replies, signatures

# Whatever the provider says, it is one of five here. A word that is not in this table is taken for "processing": a
# provider that invents a new one must not make a running job fail.
STATES: Mapping[str, contract.Status] = {
    "waiting": "queued",
    "drawing": "processing",
    "done": "completed",
    "broken": "failed",
    "stopped": "cancelled",
}

# How Atelier calls what a job works on. A role that is not here is taken for the parameter's own name.
NAMES = {"image": media_out.Names(one="picture", several="pictures"), "mask": media_out.Names(one="mask")}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Atelier(adapter.Adapter):
    """Atelier. The class is its own factory: it is called with the `contract.Config` of its settings."""

    name: ClassVar[str] = "atelier"  # the entry point's name
    label: ClassVar[str] = "Atelier"
    vendor: ClassVar[str] = "https://api.atelier.example/v1"
    kinds: ClassVar[frozenset[contract.Kind]] = frozenset({"image"})

    # Seconds that its files live where neither the URL nor the answer says so. Promise too little rather than too much:
    # what dies first is fetched first.
    @property
    def retention(self) -> int | None:
        return 6 * 3600

    # The secret of Atelier's webhooks is told to a person once; without it there are none, and jobs are polled.
    @property
    def hooks(self) -> bool:
        return bool(self.config.webhook_secret)

    def submit(self, job: contract.Job) -> contract.Conversation[contract.Progress]:
        body = {
            "model": places.model_path(job.model),
            "parameters": media_out.body(job, [media_out.link(given) for given in job.inputs], NAMES),
            "report_to": job.webhook,
        }
        # repeatable=False: if no answer comes, nobody knows whether the job was taken, and a second one would cost
        # a second time.
        reply = yield contract.Request(method="POST", url=f"{self.base_url}/jobs", json=body, repeatable=False)
        # `document` raises `contract.Refused` for everything but a JSON object with a good status; `submitting` marks
        # the answers after which the job may have been taken all the same.
        told = self.replies.document(reply, submitting=True)
        job_id = replies.identity(told.get("id"))
        if job_id is None:
            raise self.replies.unreadable(reply, submitting=True)
        return self._progress(job_id, told)

    def follow(self, job_id: str, handle: Mapping[str, Any]) -> contract.Conversation[contract.Progress]:
        reply = yield contract.Request(method="GET", url=self._job(job_id))
        told = self.replies.document(reply)
        if replies.text(told.get("state")) is None:
            raise self.replies.unreadable(reply)
        return self._progress(job_id, told)

    def cancel(self, job_id: str, handle: Mapping[str, Any]) -> contract.Conversation[contract.Progress | None]:
        reply = yield contract.Request(method="POST", url=f"{self._job(job_id)}/stop")
        if reply.status == 409:  # it was over already
            return None
        return self._progress(job_id, self.replies.document(reply))

    def secrets(self) -> contract.Conversation[Sequence[bytes]]:
        # A conversation that asks nothing. Where the provider has a call for its keys, yield a request instead.
        yield from ()
        return [self.config.webhook_secret.encode()] if self.config.webhook_secret else []

    def heard(self, hook: contract.Hook, secrets: Sequence[bytes]) -> contract.Heard | None:
        # Verify first, over the bytes as they came; read afterwards.
        if not signatures.standard(hook, secrets):
            return None
        told = replies.mapping(contract.Reply(status=200, headers={}, body=hook.body).json())
        job_id = replies.identity(told.get("id"))
        if job_id is None:
            return None
        # The body is signed and is the job itself, so it can be believed. Leave `progress` out where it is not.
        return contract.Heard(job_id=job_id, delivery=hook.headers["webhook-id"], progress=self._progress(job_id, told))

    def _job(self, job_id: str) -> str:
        return f"{self.base_url}/jobs/{places.id_path(job_id)}"

    def _progress(self, job_id: str, told: dict[str, Any]) -> contract.Progress:
        """Atelier's words in ours. Nothing here trusts a type: what is not as documented is as if it were not there."""
        status = STATES.get(replies.word(told.get("state")), "processing")
        outputs = []
        for index, picture in enumerate(map(replies.mapping, replies.listed(told.get("pictures")))):
            output = media_in.of_url(replies.text(picture.get("url")) or "")
            if output:
                ends = moments.iso(replies.word(picture.get("dies_at")))
                outputs.append(dataclasses.replace(output, index=index, kind="image", expires_at=ends))
        why = replies.said(told.get("why"))
        pictures = replies.number(replies.mapping(told.get("charged")).get("pictures"))
        return contract.Progress(
            job_id=job_id,
            status=status,
            progress=replies.number(told.get("share")) if status == "processing" else None,
            outputs=tuple(outputs),
            # `failure` tells the provider's content rules (`blocked`) from other reasons.
            failure=self.replies.failure(why.code, why.detail) if status == "failed" else None,
            cost=None if pictures is None else contract.Cost(units=pictures, unit="image"),
            raw=keepable.keepable(told),
        )
