"""Waiting until a server answers."""

import http.client
import threading
import urllib.parse

_PAUSE = 0.1


def wait(url: str, stopping: threading.Event) -> bool:
    """Whether the server at `url` answers before `stopping` is set."""
    while not stopping.is_set():
        if answers(url):
            return True
        stopping.wait(_PAUSE)
    return False


def answers(url: str) -> bool:
    """Whether there is a healthy server now."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
