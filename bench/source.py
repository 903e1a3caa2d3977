"""Where the files come from: valid media on disk, served by an nginx of our own."""

import contextlib
import dataclasses
import os
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from ambrotype.simulator import media
from bench import processes

MIB = 2**20
SMALL = 200
"""Different pictures of 1 MiB."""

_CONFIG = """
daemon off; {user} worker_processes auto; pid {folder}/nginx.pid; error_log {folder}/nginx.log warn;
events {{ worker_connections 512; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; etag on;
  types {{ image/png png; video/mp4 mp4; }}
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{ listen 127.0.0.1:{port}; root {files}; }}
}}
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A web server with pictures `0.png` … and videos."""

    port: int
    files: Path

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def pictures(self, most: int = SMALL, *, version: str = "") -> list[str]:
        """URLs of different pictures of 1 MiB; another `version` makes other URLs of them."""
        return [f"{self.base}/{n}.png{version and '?v=' + version}" for n in range(most)]

    def video(self, size: int) -> str:
        """The URL of a video of that many bytes; made where it is not there."""
        file = self.files / f"{size}.mp4"
        if not file.exists():
            with file.open("wb") as out:
                for piece in media.big_video(size).pieces():
                    out.write(piece)
        return f"{self.base}/{file.name}"


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Source]:
    """An nginx on a free port. Raises FileNotFoundError where there is none."""
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        raise FileNotFoundError("nginx is not installed (Debian: nginx-light); the baselines need it.")
    files = folder / "files"
    files.mkdir(parents=True)
    for n in range(SMALL):
        (files / f"{n}.png").write_bytes(media.padded_png(MIB, seed=n))
    port = processes.free_port()
    user = "user root;" if os.geteuid() == 0 else ""
    config = folder / "nginx.conf"
    config.write_text(_CONFIG.format(folder=folder, files=files, port=port, user=user))
    with processes.started([program, "-c", str(config), "-e", str(folder / "nginx.log")], log=folder / "nginx.out"):
        _await(f"http://127.0.0.1:{port}/0.png")
        yield Source(port=port, files=files)


def _await(url: str) -> None:
    for _ in range(500):
        with contextlib.suppress(urllib.error.URLError), urllib.request.urlopen(url):
            return
        time.sleep(0.01)
    raise TimeoutError(f"{url} does not answer.")
