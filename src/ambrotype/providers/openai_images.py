"""OpenAI's images, and servers that speak the same (API reference, "Images"): answered at once, or as a stream with previews.

GPT image models answer in base64 alone. With inputs it is an edit, and the inputs go as bytes.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from ambrotype.core import moments
from ambrotype.providers import contract, keepable, media_in, media_out, places, replies, streams

PREVIEWS = 2
"""Previews on the way, where somebody is watching and named no number; at most 3."""
URL_LIFE = 3_600.0
"""Seconds that the URLs of dall-e models live."""
PATIENCE = 600.0
FORMATS = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Images:
    """`POST images/generations` and `images/edits` below a base URL."""

    base_url: str
    replies: replies.Reader

    def submit(self, job: contract.Job) -> contract.Conversation[contract.Progress]:
        streamed = bool(job.settings.get("stream", job.partial)) and not job.model.startswith("dall-e")
        reply = yield self._request(job, self._parameters(job, streamed=streamed), streamed=streamed)
        if not streams.flowing(reply):
            told = self.replies.document(reply, submitting=True)
            if not isinstance(told.get("data"), list):
                raise self.replies.unreadable(reply, submitting=True)
            return self._answered(replies.made_id(reply), told, replies.listed(told["data"]))
        return (yield from self._streamed(job, reply))

    def _streamed(self, job: contract.Job, reply: contract.Reply) -> contract.Conversation[contract.Progress]:
        job_id = replies.made_id(reply)
        done: list[dict[str, Any]] = []
        end: dict[str, Any] = {}
        error = None
        previews = replies.number(job.settings.get("partial_images")) or PREVIEWS
        first = reply
        while (event := streams.event(reply)) is not None:
            share = None
            kind = replies.word(event.get("type"))
            if kind.endswith(".completed"):
                done.append(event)
                end = {**event, "usage": _sum(end.get("usage"), event.get("usage"))}
            elif kind.endswith(".partial_image"):
                share = min(((replies.number(event.get("partial_image_index")) or 0) + 1) / (previews + 1), 0.99)
            elif event.get("error"):
                error = event["error"]
            reply = yield contract.More(
                progress=contract.Progress(job_id=job_id, status="processing", progress=share) if share else None
            )
        if not done and error is None:
            raise self.replies.unreadable(first, submitting=True)
        return self._answered(job_id, {**end, "error": error}, done)

    def _parameters(self, job: contract.Job, *, streamed: bool) -> dict[str, Any]:
        made = {**job.settings, "model": job.model}
        made.pop("stream", None)
        if job.prompt is not None:
            made["prompt"] = job.prompt
        if streamed:
            made = {"partial_images": PREVIEWS, **made, "stream": True}
        return made

    def _request(self, job: contract.Job, parameters: dict[str, Any], *, streamed: bool) -> contract.Request:
        call = contract.Request(
            method="POST",
            url=f"{self.base_url}/images/{'edits' if job.inputs else 'generations'}",
            repeatable=False,
            events=streamed,
            limit=streams.MOST,
            timeout=PATIENCE,
        )
        if not job.inputs:
            return dataclasses.replace(call, json=parameters)
        return dataclasses.replace(call, parts=tuple(parts(parameters, job.inputs, names=_names(job))))

    def _answered(self, job_id: str, told: dict[str, Any], items: list[Any]) -> contract.Progress:
        outputs = tuple(self._outputs(told, items))
        failure = None
        if told.get("error"):
            said = replies.said(told["error"])
            failure = self.replies.failure(said.code, said.detail)
        elif not outputs:
            failure = contract.Failure(code="no_output", detail=f"{self.replies.label} answered without a picture.")
        prompts = [replies.text(replies.mapping(item).get("revised_prompt")) for item in items]
        return contract.Progress(
            job_id=job_id,
            status="completed" if outputs else "failed",
            outputs=outputs,
            failure=failure,
            cost=cost(told.get("usage")),
            revised_prompt=next((prompt for prompt in prompts if prompt), None),
            finished_at=moments.epoch(told.get("created") or told.get("created_at")),
            raw=keepable.keepable({**told, "data": items}),
        )

    def _outputs(self, told: dict[str, Any], items: list[Any]) -> Iterator[contract.Output]:
        created = moments.epoch(told.get("created"))
        said = FORMATS.get(replies.word(told.get("output_format")), "image/png")
        index = 0
        for item in map(replies.mapping, items):
            coded = next((item[key] for key in ("b64_json", "url") if isinstance(item.get(key), str)), None)
            output = media_in.picture(coded, said) if coded else None
            if output is None:
                continue
            end = moments.after(created, seconds=URL_LIFE) if output.url and created else None
            prompt = replies.text(item.get("revised_prompt"))
            yield dataclasses.replace(
                output,
                index=index,
                kind=output.kind or "image",
                expires_at=end,
                metadata={"revised_prompt": prompt} if prompt else {},
            )
            index += 1


def cost(usage: Any) -> contract.Cost | None:
    """The tokens that were billed; what each sort of them costs differs."""
    told = replies.mapping(usage)
    total = replies.number(told.get("total_tokens"))
    if total is None:
        return None
    details = replies.mapping(told.get("input_tokens_details"))
    counts = {
        "input_token": told.get("input_tokens"),
        "output_token": told.get("output_tokens"),
        "input_text_token": details.get("text_tokens"),
        "input_image_token": details.get("image_tokens"),
    }
    parts = {unit: count for unit, told_ in counts.items() if (count := replies.number(told_)) is not None}
    return contract.Cost(units=total, unit="token", parts=parts)


def parts(parameters: Mapping[str, Any], inputs: Any, *, names: Mapping[str, str]) -> Iterator[contract.Part]:
    """A form of parameters and files; `names` says how the field of a role is called."""
    for name, value in parameters.items():
        if value is not None:
            yield contract.Part(name=name, data=value if isinstance(value, str) else orjson.dumps(value).decode())
    for given in inputs:
        yield contract.Part(
            name=names.get(media_out.role(given), given.role),
            data=media_out.content(given),
            filename=media_out.file_name(given),
            content_type=given.content_type,
        )


def _names(job: contract.Job) -> dict[str, str]:
    pictures = [given for given in job.inputs if media_out.role(given) == "image"]
    return {"image": "image" if len(pictures) == 1 else "image[]", "mask": "mask"}


def _sum(first: Any, second: Any, *, nested: bool = True) -> dict[str, Any]:
    """Usage of several pictures of one stream."""
    one, other = replies.mapping(first), replies.mapping(second)
    made: dict[str, Any] = {}
    for key in {*one, *other}:
        if nested and (isinstance(one.get(key), dict) or isinstance(other.get(key), dict)):
            made[key] = _sum(one.get(key), other.get(key), nested=False)
        else:
            made[key] = (replies.number(one.get(key)) or 0) + (replies.number(other.get(key)) or 0)
    return made


def gone(job_id: str) -> contract.Refused:
    """For asking after pictures that were answered at once."""
    return places.refused(
        f"{job_id[:60]}: pictures are answered at once and can't be asked for again.", code="provider_gone"
    )
