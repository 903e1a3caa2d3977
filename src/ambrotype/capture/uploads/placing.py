"""Where an upload's bytes will lie, as far as that can be known before they are there."""

import dataclasses
import datetime
import uuid

from ambrotype.capture import accept, pipeline, request
from ambrotype.core import owners, types
from ambrotype.records import accepting, captures, database, uploads
from ambrotype.storage import contract

MOST_NAME = 255


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """What places depend on. The version is the one that the slot gives next, unless somebody else is quicker."""

    id: uuid.UUID
    owner_id: uuid.UUID
    owner: owners.Owner
    version: int | None
    asked: request.UploadRequest
    filename: str | None
    rules: accept.Rules

    def key(self, media: types.MediaType) -> contract.Key:
        """Where it goes, being of this type."""
        item = accept.upload(self.asked, media, filename=self.filename, rules=self.rules, trusted=False)
        return pipeline.place(
            captures.Item(
                media_id=self.id,
                owner_id=self.owner_id,
                owner_kind=self.owner.kind,
                owner_subject=self.owner.subject,
                source=self.asked.source,
                kind=media.kind,
                enhancement=self.asked.enhancement,
                project=self.asked.project,
                slot=self.asked.slot,
                version=self.version,
                name=item.fields["name"],
                layout=item.fields["layout"],
                created_at=datetime.datetime.now(datetime.UTC),
            ),
            media,
            self.rules.layouts,
        )

    def staging(self) -> contract.Key:
        """Where bytes may wait that have no place yet: in the bucket where such an item goes, by its name."""
        guess = types.guess(self.filename, None) or types.TYPES["image/jpeg"]
        return contract.Key(self.key(guess).bucket, f".uploads/{self.id}")


async def guess(
    tx: database.Transaction,
    who: owners.Principal,
    asked: request.UploadRequest,
    *,
    media_id: uuid.UUID,
    filename: str | None,
    rules: accept.Rules,
) -> Guess:
    """As the caller. Raises `errors.InvalidRequest` for a layout that is not there."""
    version = None
    if asked.project is not None and asked.slot is not None:
        version = await uploads.guess_version(tx, asked.project, asked.slot)
    return Guess(
        id=media_id,
        owner_id=await accepting.own(tx),
        owner=who.owner or owners.SERVICE,
        version=version,
        asked=asked,
        filename=filename,
        rules=rules,
    )


def file_name(told: str | None) -> str | None:
    """The name of a client's file: without folders, of either sort, and without what can't be shown."""
    if told is None:
        return None
    last = told.replace("\\", "/").rpartition("/")[2]
    shown = "".join(char for char in last if char.isprintable())
    return shown[:MOST_NAME] or None
