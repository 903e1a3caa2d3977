"""Which codes there are, with which status, and when: the page that a problem's `type` leads to."""

import dataclasses
import html
import inspect

import fastapi
from fastapi import responses

from ambrotype.api import errors as problems
from ambrotype.core import errors

router = fastapi.APIRouter(include_in_schema=False)

_INTERNAL = "A fault of Ambrotype's own; its log says more, under the reply's X-Request-Id."

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Errors of Ambrotype</title>
<style>body{{font:16px/1.5 sans-serif;margin:2em auto;max-width:60em;padding:0 1em}}td,th{{text-align:left;padding:.2em 1em
 .2em 0;vertical-align:top}}:target{{background:#fe9}}</style>
<h1>Errors</h1>
<p>Every reply that is no success is a problem (RFC 9457); its <code>code</code> is one of these.</p>
<table><tr><th>code</th><th>status</th><th>when</th><th>tried again</th></tr>
{rows}
</table></html>
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table."""

    code: str
    status: int
    when: str
    retryable: bool


def rows() -> list[Row]:
    """Every error, in the order of `core/errors.py`."""
    kinds = [
        kind for kind in vars(errors).values() if inspect.isclass(kind) and issubclass(kind, errors.AmbrotypeError)
    ]
    return [_row(kind) for kind in kinds if kind is not errors.CaptureFailed]


def _row(kind: type[errors.AmbrotypeError]) -> Row:
    when = _INTERNAL if kind is errors.AmbrotypeError else " ".join((inspect.getdoc(kind) or "").split())
    return Row(
        code=kind.code,
        status=problems.STATUS[next(one for one in kind.__mro__ if one in problems.STATUS)],
        when=when,
        retryable=kind.retryable,
    )


@router.get("/docs/errors")
async def page() -> fastapi.Response:
    """The table, for people."""
    named: set[str] = set()
    lines = []
    for row in rows():
        anchor = "" if row.code in named else f' id="{row.code}"'
        named.add(row.code)
        lines.append(
            f"<tr{anchor}><td><code>{row.code}</code></td><td>{row.status}</td><td>{html.escape(row.when)}</td>"
            f"<td>{'yes' if row.retryable else ''}</td></tr>"
        )
    headers = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
    return responses.HTMLResponse(_PAGE.format(rows="\n".join(lines)), headers=headers)
