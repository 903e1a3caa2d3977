"""`/`: where a one-time sign-in link leads. The token is behind `#`, so that it is in no log; the page's script exchanges it."""

import base64
import functools
import hashlib

import fastapi
from fastapi import responses

router = fastapi.APIRouter(include_in_schema=False)

_SCRIPT = """
const told = document.getElementById("told");
const token = new URLSearchParams(location.hash.slice(1)).get("sign-in");
history.replaceState(null, "", location.pathname);
if (token) {
  told.textContent = "Signing in …";
  fetch("v1/session", {
    method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify({token}),
  }).then(async (reply) => {
    told.textContent = reply.ok ? "You are signed in." : (await reply.json()).detail;
  }).catch(() => { told.textContent = "The server does not answer; open the link again."; });
}
"""
_STYLE = "body { font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem }"
_PAGE = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><title>Ambrotype</title><style>{_STYLE}</style></head>
<body><h1>Ambrotype</h1><p id="told" role="status">The permanent home of generated media.</p>
<p><a href="docs">What can be asked of it</a></p><script>{_SCRIPT}</script></body></html>
"""


@functools.cache
def _headers() -> dict[str, str]:
    return {
        "Cache-Control": "no-store",
        "Content-Security-Policy": f"default-src 'none'; script-src {_digest(_SCRIPT)}; style-src {_digest(_STYLE)};"
        " connect-src 'self';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@router.get("/")
async def welcome() -> fastapi.Response:
    """A page for people."""
    return responses.HTMLResponse(_PAGE, headers=_headers())
