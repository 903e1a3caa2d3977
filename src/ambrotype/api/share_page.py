"""The pages of shares, as HTML: no script, nothing from elsewhere, nothing of the owner."""

import base64
import dataclasses
import functools
import hashlib
import html
import http
import importlib.resources
from collections.abc import Sequence

from ambrotype.core import media
from ambrotype.library import shares

AT_ONCE = 4
"""Pictures that are loaded whether they are seen or not."""
FIRST_FRAMES = 12
"""Videos among so many first items show their first frame, for which browsers load the beginning of each."""


@functools.cache
def _style() -> str:
    return (importlib.resources.files("ambrotype.api") / "share_page.css").read_text()


@functools.cache
def headers() -> dict[str, str]:
    """What every page carries: kept by nobody, found by no search engine, and the one style sheet allowed."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return {
        "Cache-Control": "private, no-store",
        "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{digest}'; img-src 'self' data:;"
        " media-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex, nofollow",
    }


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One item with its addresses, signed for the share."""

    kind: media.Kind
    url: str
    preview: str | None
    """Of a smaller picture of it."""
    download: str | None
    width: int | None
    height: int | None
    title: str | None
    note: str | None


def opened(share: shares.Opened, items: Sequence[Item]) -> str:
    """What the share shows."""
    shown = items[: shares.MOST]
    body = "".join(_figure(item, place=n) for n, item in enumerate(shown))
    named = share.name or _counted(shown)
    about = [_counted(shown)] if share.name and len(shown) > 1 else []
    if share.expires_at is not None:
        about.append(f"open until {share.expires_at:%-d %B %Y, %H:%M} UTC")
    if len(items) > len(shown):
        about.append(f"the first {len(shown)} are shown")
    if not shown:
        body = '<p class="empty">There is nothing to see yet. Come back later.</p>'
    line = f'<p class="about">{_text(" · ".join(about))}</p>' if about else ""
    kind = "one" if len(shown) == 1 else "many"
    return _document(
        named, f'<header><h1 dir="auto">{_text(named)}</h1>{line}</header><main class="{kind}">{body}</main>'
    )


def locked(*, wrong: bool = False) -> str:
    """The form that asks for the password."""
    told = '<p class="wrong" role="alert" id="wrong">That password is wrong.</p>' if wrong else ""
    described = ' aria-invalid="true" aria-describedby="wrong"' if wrong else ""
    return _document(
        "Password needed",
        '<main class="card"><h1>Password needed</h1><p>Whoever sent you this link can tell you the password.</p>'
        f'<form method="post">{told}<label for="password">Password</label>'
        f'<input id="password" name="password" type="password" required autofocus maxlength="1000"'
        f' autocomplete="current-password"{described}><button>Open</button></form></main>',
    )


def refused(status: int, detail: str) -> str:
    """Why there is nothing to see."""
    title = "Nothing here" if status == 404 else http.HTTPStatus(status).phrase
    return _document(title, f'<main class="card"><h1>{_text(title)}</h1><p>{_text(detail)}</p></main>')


def _figure(item: Item, *, place: int) -> str:
    words = "".join(
        f'<{tag} dir="auto">{_text(text)}</{tag}>' for tag, text in (("h2", item.title), ("p", item.note)) if text
    )
    if item.download is not None:
        words += f'<a class="download" href="{_text(item.download)}" download>Download</a>'
    caption = f"<figcaption>{words}</figcaption>" if words else ""
    return f'<figure class="{item.kind}">{_player(item, place=place)}{caption}</figure>'


def _player(item: Item, *, place: int) -> str:
    url, title = _text(item.url), _text(item.title or "")
    shown = _text(item.preview) if item.preview is not None else None
    size = f' width="{item.width}" height="{item.height}"' if item.width and item.height else ""
    if item.kind == "video":
        preload = "metadata" if place < FIRST_FRAMES else "none"
        poster = f' poster="{shown}"' if shown is not None else ""
        return f'<video controls playsinline preload="{preload}"{poster} src="{url}"{size} aria-label="{title or "Video"}"></video>'
    if item.kind == "audio":
        return f'<audio controls preload="none" src="{url}" aria-label="{title or "Sound"}"></audio>'
    loading = "" if place < AT_ONCE else ' loading="lazy"'
    picture = f'<img src="{shown or url}"{size} alt="{title}" decoding="async"{loading}>'
    return f'<a href="{url}" aria-label="{title or "Picture"}, in full size">{picture}</a>'


def _document(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{_text(title)}</title>"
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        '<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">'
        f"<style>{_style()}</style></head><body>{body}</body></html>"
    )


def _counted(items: Sequence[Item]) -> str:
    """`3 pictures`, `A video`, `5 items`."""
    words = {"image": "picture", "video": "video", "audio": "recording"}
    kinds = {item.kind for item in items}
    word = words[next(iter(kinds))] if len(kinds) == 1 else "item"
    return f"A {word}" if len(items) == 1 else f"{len(items)} {word}s" if items else "Nothing yet"


def _text(value: str) -> str:
    return html.escape(value, quote=True)
