"""Where an item's bytes lie: bucket and path, decided once, when the item is accepted, and recorded in its
row.

A layout is a list of rules; the first one that fits the item decides. A template is fixed text and
`{fields}`; whatever a caller may have chosen is reduced to a safe alphabet, and every path holds the item's
id in a place where no other field can imitate it, so that two items never share a path.
"""

import dataclasses
import datetime
import hashlib
import re
import types
import unicodedata
import uuid
from collections.abc import Mapping
from typing import Any

from ambrotype.core import errors, templates

_EXTENSION = re.compile(r"(?<=.)\.[A-Za-z0-9]{1,8}$")
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What a template may use of an item."""

    id: uuid.UUID
    owner_id: str
    owner_subject: str
    owner_kind: str
    source: str
    kind: str
    ext: str
    role: str | None = None
    enhancement: str | None = None
    project: str | None = None
    slot: str | None = None
    version: int | None = None
    name: str | None = None
    created_at: datetime.datetime
    """Aware."""


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """A logical bucket and a path in it."""

    bucket: str
    path: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A bucket and a template of paths, for the items that `when` describes: field → one of these values, or
    (True, False) there at all or not. `errors.InvalidSetting` for a template that could lose or mix up
    items."""

    bucket: str
    path: str
    when: Mapping[str, frozenset[str] | bool] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        for wrong in (
            templates.wrong_bucket(self.bucket),
            templates.wrong_path(self.path),
            templates.wrong_when(self.when),
        ):
            if wrong:
                raise errors.InvalidSetting(f"Layout rule {self.bucket}/{self.path}: {wrong}")

    @property
    def fields(self) -> frozenset[str]:
        return frozenset(templates.FIELD.findall(self.path))

    @property
    def always(self) -> bool:
        """Whether it fits every item."""
        return not self.when and not self.fields & templates.OPTIONAL

    def fits(self, item: Item) -> bool:
        """Whether the item has what the template uses, and is what `when` asks for."""
        if any(getattr(item, field) in {None, ""} for field in self.fields & templates.OPTIONAL):
            return False
        return all(_meets(getattr(item, field), wanted=wanted) for field, wanted in self.when.items())


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Rules in their order; the last one, and only that, fits every item."""

    name: str
    rules: tuple[Rule, ...]

    def __post_init__(self) -> None:
        if [rule.always for rule in self.rules] != [False] * (len(self.rules) - 1) + [True]:
            raise errors.InvalidSetting(
                f"Layout {self.name}: the last rule, and no other, must fit every item: without `when`, "
                f"and without {templates.listed(templates.OPTIONAL)} in its path."
            )


def place(layout: Layout, item: Item) -> Place:
    """Where this item's bytes go: the same answer every time, and another one for every other id."""
    rule = next(rule for rule in layout.rules if rule.fits(item))
    return Place(rule.bucket, templates.FIELD.sub(lambda field: _value(item, field[1]), rule.path))


def rendition(bucket: str, media_id: uuid.UUID, name: str, *, attempt: int, ext: str) -> Place:
    """Where a rendition goes: into the original's bucket, in a folder of the item's own, under a name that no other
    attempt to make it has."""
    return Place(bucket, f"{renditions_of(media_id)}{safe(name)}-{attempt}.{ext}")


def renditions_of(media_id: uuid.UUID) -> str:
    """How the paths of all renditions of an item begin."""
    return f"renditions/{media_id}/"


def preset(name: str) -> Layout:
    """The layout of that name; `errors.InvalidSetting` where there is none."""
    if name not in PRESETS:
        raise errors.InvalidSetting(
            f"There is no layout {name!r}: use {templates.listed(PRESETS)}, or the path of a file of templates."
        )
    return PRESETS[name]


def from_mapping(mapping: Mapping[str, Any]) -> Layout:
    """A layout from a parsed TOML file; `errors.InvalidSetting` says what is wrong with it. Its shape:

        name = "ours"                             # optional

        [[rules]]                                 # the first rule that fits decides
        bucket = "clips"
        path = "{owner_id}/{year}/{name}-{id}.{ext}"
        when = { kind = "video", source = ["upload", "stock"], slot = false }

        [[rules]]                                 # the last one fits everything
        bucket = "media"
        path = "{source}/{owner_id}/{id}.{ext}"

    The fields are those of `templates.WIDTHS`, the conditions those of `templates.CHOICES`; a condition is a
    value, a list of values, or true or false for there at all or not. A path ends in `{id}` or `{id}.{ext}`,
    or has `{id}` as a folder of its own.
    """
    name, rules = mapping.get("name", "custom"), mapping.get("rules")
    unknown = mapping.keys() - {"name", "rules"}
    if unknown or not isinstance(name, str) or not isinstance(rules, list) or not rules:
        raise errors.InvalidSetting(
            "A layout file holds a `name` and one table `[[rules]]` or more, and nothing else; "
            f"this one holds {templates.listed(mapping) or 'nothing'}."
        )
    return Layout(name=name, rules=tuple(_rule(number, rule) for number, rule in enumerate(rules, 1)))


def safe(segment: str) -> str:
    """The text as one segment of a path: `A-Za-z0-9._-`, 1 to 80 bytes, no dot at either end, no `-` in
    front.

    What fits is left alone. What does not is reduced, and gets 8 digits of its hash (in front of a
    file name's extension), so that `a b` and `a/b` stay two.
    """
    plain = unicodedata.normalize("NFKD", segment[:400]).encode("ascii", "ignore").decode()
    reduced = re.sub(r"[^A-Za-z0-9._-]+", "-", plain).lstrip(".-").rstrip(".")
    if reduced == segment and 0 < len(segment) <= templates.MOST:
        return segment
    tail = hashlib.sha256(segment.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    found = _EXTENSION.search(reduced)
    extension = found[0] if found else ""
    head = reduced.removesuffix(extension)[: templates.MOST - 9 - len(extension)].rstrip(".-")
    return f"{head}-{tail}{extension}" if head else tail + extension


def _value(item: Item, field: str) -> str:
    match field:
        case "ext":
            return re.sub(r"[^a-z0-9]", "", item.ext.lower())[:16] or "bin"
        case "timestamp":
            return str((item.created_at - _EPOCH) // datetime.timedelta(milliseconds=1))
        case "year" | "month" | "day":
            return f"{getattr(item.created_at.astimezone(datetime.UTC), field):02}"
        case "name":
            stem, dot, _ = str(item.name).rpartition(".")
            return safe(stem if dot and stem else str(item.name))
        case "project" | "slot":
            return "/".join(map(safe, getattr(item, field).split("/", templates.LEVELS - 1)))
        case _:
            return safe(str(getattr(item, field)))


def _meets(value: object, *, wanted: frozenset[str] | bool) -> bool:
    if isinstance(wanted, bool):
        return (value not in {None, ""}) is wanted
    return str(value).replace("_", "-") in {choice.replace("_", "-") for choice in wanted}


def _rule(number: int, mapping: object) -> Rule:
    if not isinstance(mapping, Mapping) or not {"bucket", "path"} <= mapping.keys() <= {
        "bucket",
        "path",
        "when",
    }:
        raise errors.InvalidSetting(
            f"Layout rule {number} needs `bucket` and `path`, may have `when`, and nothing else."
        )
    bucket, path, when = mapping["bucket"], mapping["path"], mapping.get("when", {})
    if not isinstance(bucket, str) or not isinstance(path, str) or not isinstance(when, Mapping):
        raise errors.InvalidSetting(f"Layout rule {number}: `bucket` and `path` are texts, and `when` is a table.")
    return Rule(bucket=bucket, path=path, when={field: _wanted(number, field, value) for field, value in when.items()})


def _wanted(number: int, field: str, value: object) -> frozenset[str] | bool:
    if isinstance(value, bool):
        return value
    values = value if isinstance(value, list) else [value]
    if values and all(isinstance(one, str) for one in values):
        return frozenset(values)
    raise errors.InvalidSetting(
        f"Layout rule {number}: the condition {field} is a value, a list of values, true or false; not {value!r}."
    )


def _one(value: str) -> frozenset[str]:
    return frozenset({value})


PRESETS: Mapping[str, Layout] = types.MappingProxyType(
    {
        layout.name: layout
        for layout in (
            Layout(
                name="default",
                rules=(
                    Rule(bucket="media", path="projects/{project}/{slot}/v{version}-{id}.{ext}"),
                    Rule(bucket="media", path="{source}/{owner_id}/{kind}s/{id}.{ext}"),
                ),
            ),
            Layout(
                name="playground",
                rules=(
                    Rule(
                        bucket="playground-uploads",
                        path="{owner_subject}/base-images/{id}.{ext}",
                        when={"role": _one("base-image")},
                    ),
                    Rule(
                        bucket="playground-uploads",
                        path="{owner_subject}/base-images/{id}.{ext}",
                        when={"source": _one("upload")},
                    ),
                    Rule(
                        bucket="playground-images",
                        path="{owner_subject}/saved/image-{timestamp}-{id}.{ext}",
                        when={"kind": _one("image")},
                    ),
                    Rule(bucket="playground-videos", path="{owner_subject}/saved/{kind}-{timestamp}-{id}.{ext}"),
                ),
            ),
            Layout(
                name="hug",
                rules=(
                    Rule(bucket="hug-images", path="{id}.{ext}", when={"kind": _one("image")}),
                    Rule(bucket="hug-videos", path="{id}.{ext}"),
                ),
            ),
            Layout(
                name="unified",
                rules=(
                    Rule(
                        bucket="playground-images",
                        path="{owner_subject}/enhanced/{id}.{ext}",
                        when={"source": _one("enhanced"), "role": _one("styled-image")},
                    ),
                    Rule(
                        bucket="user-media",
                        path="enhanced/{owner_subject}/{id}.{ext}",
                        when={"source": _one("enhanced")},
                    ),
                    Rule(
                        bucket="playground-images",
                        path="{owner_subject}/generated/{id}.{ext}",
                        when={"source": _one("generation"), "kind": _one("image")},
                    ),
                    Rule(
                        bucket="user-media",
                        path="uploads/{owner_subject}/{kind}s/{id}.{ext}",
                        when={"source": _one("upload")},
                    ),
                    Rule(bucket="user-media", path="{source}/{owner_subject}/{kind}s/{id}.{ext}"),
                ),
            ),
            Layout(
                name="scenes",
                rules=(
                    Rule(
                        bucket="scene-images",
                        path="projects/{project}/scenes/{slot}_{timestamp}-{id}.{ext}",
                        when={"kind": _one("image")},
                    ),
                    Rule(bucket="scene-images", path="projects/{project}/{kind}s/{slot}_{timestamp}-{id}.{ext}"),
                    Rule(bucket="scene-images", path="{source}/{owner_id}/{kind}s/{id}.{ext}"),
                ),
            ),
        )
    }
)
"""The layouts that come with Ambrotype. The four after `default` are those of the systems that it replaces,
where every old path pattern without an id now has one; what those systems had no place for (audio, generated
videos) lies beside."""
