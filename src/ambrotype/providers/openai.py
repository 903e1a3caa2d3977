"""OpenAI and servers that speak its API: images and videos under one name, told apart by kind, else by the model's name."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from ambrotype.providers import adapter, contract, openai_images, openai_videos, replies, signatures

_VIDEO = re.compile(r"sora|video|veo|kling|seedance|wan\d|hailuo|runway|[-_](?:t2v|i2v)", re.IGNORECASE)
VIDEO_EVENTS = ("video.completed", "video.failed")


@dataclasses.dataclass(frozen=True, kw_only=True)
class OpenAI(adapter.Adapter):
    """OpenAI-compatible images and videos. Webhooks are set up at the vendor's, with a secret that the settings then
    hold; without it there are none."""

    name: ClassVar[str] = "openai"
    label: ClassVar[str] = "OpenAI"
    vendor: ClassVar[str] = "https://api.openai.com/v1"
    kinds: ClassVar[frozenset[contract.Kind]] = frozenset({"image", "video"})
    inputs_as: ClassVar[Literal["url", "data"]] = "data"
    remints: ClassVar[bool] = True

    @property
    def hooks(self) -> bool:
        return bool(self.config.webhook_secret)

    @property
    def images(self) -> openai_images.Images:
        return openai_images.Images(base_url=self.base_url, replies=self.replies)

    @property
    def videos(self) -> openai_videos.Videos:
        return openai_videos.Videos(base_url=self.base_url, replies=self.replies)

    def submit(self, job: contract.Job) -> contract.Conversation[contract.Progress]:
        return (yield from (self.videos if makes_video(job) else self.images).submit(job))

    def follow(self, job_id: str, handle: Mapping[str, object]) -> contract.Conversation[contract.Progress]:
        if replies.is_made(job_id):
            raise openai_images.gone(job_id)
        return (yield from self.videos.follow(job_id))

    def cancel(self, job_id: str, handle: Mapping[str, object]) -> contract.Conversation[contract.Progress | None]:
        return None if replies.is_made(job_id) else (yield from self.videos.cancel(job_id))

    def secrets(self) -> contract.Conversation[Sequence[bytes]]:
        """Those of the setting, several apart by spaces: OpenAI tells a webhook's secret once, to a person."""
        yield from ()
        return [word.encode() for word in (self.config.webhook_secret or "").split()]

    def heard(self, hook: contract.Hook, secrets: Sequence[bytes]) -> contract.Heard | None:
        """The message names the job and no more; other events of the account are none of ours."""
        if not signatures.standard(hook, secrets):
            return None
        told = replies.mapping(contract.Reply(status=200, headers={}, body=hook.body).json())
        job_id = replies.identity(replies.mapping(told.get("data")).get("id"))
        if job_id is None or not replies.word(told.get("type")).startswith("video."):
            return None
        return contract.Heard(job_id=job_id, delivery=hook.headers["webhook-id"])


def makes_video(job: contract.Job) -> bool:
    """By the kind that was asked for, else by a video among the inputs, else by the model's name."""
    if job.kind in ("image", "video"):
        return job.kind == "video"
    return any(given.kind == "video" for given in job.inputs) or bool(_VIDEO.search(job.model))
