"""What a layout's templates may say, and the checks that no template can lose items, mix them up or leave its
bucket."""

import re
import types
from collections.abc import Iterable, Mapping

MOST = 80
"""Bytes of one reduced name."""
LEVELS = 4
"""Folders that a project or a slot may span: `character/anna` is two."""
MOST_PATH, MOST_SEGMENT = 1_024, 240
"""Bytes: the end of a key in S3, and of a file name on disk (255) with room for the mark of an unfinished
write."""

WIDTHS: Mapping[str, int] = types.MappingProxyType(
    {
        "id": 36,
        "owner_id": MOST,
        "owner_subject": MOST,
        "owner_kind": MOST,
        "source": MOST,
        "kind": MOST,
        "ext": 16,
        "timestamp": 16,
        "year": 4,
        "month": 2,
        "day": 2,
        "role": MOST,
        "enhancement": MOST,
        "project": MOST,
        "slot": MOST,
        "version": 20,
        "name": MOST,
    }
)
"""The fields of a template, and the most bytes of each (of `project` and `slot`: of each of their levels)."""
DEEP = frozenset({"project", "slot"})
OPTIONAL = frozenset({"role", "enhancement", "project", "slot", "version", "name"})
"""Fields that an item may lack; a rule that uses one fits the items that have it."""
CHOICES: Mapping[str, frozenset[str] | None] = types.MappingProxyType(
    {
        "kind": frozenset({"image", "video", "audio"}),
        "source": frozenset({"upload", "generation", "enhanced", "stock"}),
        "owner_kind": frozenset({"user", "guest", "service"}),
        "role": None,
        "enhancement": None,
        "project": None,
        "slot": None,
        "name": None,
    }
)
"""What a condition may ask for, and the values there are (None: any)."""

FIELD = re.compile(r"\{([a-z_]+)\}")
_TEMPLATE = re.compile(r"(?:\{[a-z_]+\}|[A-Za-z0-9._/-])+")
_BUCKET = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]|\.(?!\.)){1,61}[A-Za-z0-9]")


def wrong_bucket(bucket: str) -> str | None:
    if _BUCKET.fullmatch(bucket):
        return None
    return "a bucket is 3 to 63 of A-Z a-z 0-9 . _ -, fixed, with a letter or digit at both ends."


def wrong_path(path: str) -> str | None:
    fields, segments = FIELD.findall(path), path.split("/")
    if unknown := set(fields) - WIDTHS.keys():
        return f"there is no field {listed(unknown)}; there are {listed(WIDTHS)}."
    if not _TEMPLATE.fullmatch(path):
        return "a path is made of {fields} and of A-Z a-z 0-9 . _ - / alone."
    if any(not segment or segment.startswith(".") or segment.endswith(".") for segment in segments):
        return "a path is relative, and none of its parts is empty or begins or ends with a dot."
    if fields.count("id") != 1:
        return "a path holds {id}, once, so that no two items share it."
    if not _apart(segments):
        return (
            "end it in {id} or {id}.{ext}, or make {id} a folder with no {project} or {slot} after it, "
            "so that no name can imitate an id."
        )
    if _width(path) > MOST_PATH or max(map(_widest, segments)) > MOST_SEGMENT:
        return f"it can grow beyond {MOST_PATH} bytes, or {MOST_SEGMENT} between two slashes; use fewer fields."
    return None


def _apart(segments: list[str]) -> bool:
    """Whether the id can be found by counting from the end of the path, whatever the other fields hold."""
    if re.search(r"\{id\}(\.\{ext\})?$", segments[-1]):
        return True
    return "{id}" in segments and not DEEP & set(FIELD.findall("/".join(segments[segments.index("{id}") :])))


def _width(path: str) -> int:
    fixed = len(FIELD.sub("", path))
    return fixed + sum(
        WIDTHS[field] * LEVELS + LEVELS if field in DEEP else WIDTHS[field] for field in FIELD.findall(path)
    )


def _widest(segment: str) -> int:
    return len(FIELD.sub("", segment)) + sum(WIDTHS[field] for field in FIELD.findall(segment))


def wrong_when(when: Mapping[str, frozenset[str] | bool]) -> str | None:
    if unknown := when.keys() - CHOICES.keys():
        return f"there is no condition {listed(unknown)}; there are {listed(CHOICES)}."
    for field, wanted in when.items():
        choices = CHOICES[field]
        if choices and not isinstance(wanted, bool) and not wanted <= choices:
            return f"{field} is one of {listed(choices)}, not {listed(wanted - choices)}."
    return None


def listed(names: Iterable[object]) -> str:
    return ", ".join(sorted(map(str, names)))
