"""The options that commands share."""

import dataclasses
import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Concatenate, ParamSpec, TypeVar

import typer

P = ParamSpec("P")
R = TypeVar("R")

Data = Annotated[
    Path | None,
    typer.Option(
        "--data", metavar="FOLDER", help="Data folder.  [AMBROTYPE_DATA, else ./ambrotype-data]", show_default=False
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable output on stdout.")]
_Url = Annotated[str | None, typer.Option("--url", metavar="URL", help="A remote server instead of a data folder.")]
_Key = Annotated[
    str | None, typer.Option("--key", metavar="KEY", help="API key for --url; @FILE reads it from a file.")
]
_Owner = Annotated[str | None, typer.Option("--owner", metavar="OWNER", help="Act for user:ID or guest:ID.")]
_App = Annotated[str | None, typer.Option("--app", metavar="APP", help="Act in this app.")]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Which library a command works on: a data folder, or a server at `url`; and for whom."""

    data: Path | None = None
    url: str | None = None
    key: str | None = None
    owner: str | None = None
    app: str | None = None


_WHERE = {"data": Data, "url": _Url, "key": _Key, "owner": _Owner, "app": _App}


def reaching(command: Callable[Concatenate[Where, P], R]) -> Callable[..., R]:
    """Adds --data, --url, --key, --owner and --app to a command, which gets them as its first parameter."""

    @functools.wraps(command)
    def run(**values: Any) -> R:
        where = Where(**{name: values.pop(name) for name in _WHERE})
        return command(where, **values)  # type: ignore[call-arg]  # its signature is made below

    own = inspect.signature(command, eval_str=True)
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
        for name, kind in _WHERE.items()
    ]
    kept = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in list(own.parameters.values())[1:]]
    signature = own.replace(parameters=[*kept, *added])
    run.__signature__ = signature  # type: ignore[attr-defined]
    run.__annotations__ = {name: parameter.annotation for name, parameter in signature.parameters.items()}
    del run.__wrapped__
    return run
