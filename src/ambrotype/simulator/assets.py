"""What the CDN holds: everything, made when asked for. A key names it completely:

image/512x512/7.jpeg a picture (jpeg, jpg, png, webp, gif, avif) video/320x240-24fps-2s/7.mp4 an H.264 video;
also `-audio` and `-slowstart` (index behind the pictures) audio/2s/7.mp3 a sound (mp3, wav)
blob/1048576/7.png a picture of exactly so many bytes big/2147483648/7.mp4 a video of exactly so many bytes,
never whole in memory
"""

import base64
import dataclasses
import functools
import hashlib
import re
from collections.abc import Callable, Iterator

from ambrotype.core import errors
from ambrotype.simulator import crc32c, media
from ambrotype.simulator.media import pictures, sounds

PIECE = 1 << 16
"""Bytes sent at a time."""

DIGEST_LIMIT = 256 * 2**20
"""Bytes: larger files come without digests, as multipart objects do at the vendors."""

CRC32C_LIMIT = 2 * 2**20
"""Bytes: CRC-32C is computed in Python here, so larger files come without it."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Asset:
    """A file: `pieces(start, length)` gives its bytes, a part at a time."""

    key: str
    content_type: str
    size: int
    pieces: Callable[[int, int], Iterator[bytes]]

    def shortened(self, size: int) -> "Asset":
        """The first `size` bytes, as a file of its own."""
        return dataclasses.replace(self, key=f"{self.key}#{size}", size=min(size, self.size))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Digests:
    """Of a whole file. `crc32c` is None above `CRC32C_LIMIT`."""

    md5: bytes
    sha256: bytes
    crc32c: bytes | None

    def spoiled(self) -> "Digests":
        """Digests that do not match: the first bit of each is turned."""

        def turn(digest: bytes) -> bytes:
            return bytes([digest[0] ^ 0x80]) + digest[1:]

        crc = None if self.crc32c is None else turn(self.crc32c)
        return Digests(md5=turn(self.md5), sha256=turn(self.sha256), crc32c=crc)


def base64_of(digest: bytes) -> str:
    """As in Content-MD5 and x-goog-hash."""
    return base64.b64encode(digest).decode()


def image(seed: int, *, format: str = "jpeg", width: int = 512, height: int = 512) -> str:
    """The key of a picture."""
    return f"image/{width}x{height}/{seed}.{format}"


def video(
    seed: int,
    *,
    seconds: float = 2,
    width: int = 320,
    height: int = 240,
    fps: int = 24,
    audio: bool = False,
    faststart: bool = True,
) -> str:
    """The key of a video."""
    extras = ("-audio" if audio else "") + ("" if faststart else "-slowstart")
    return f"video/{width}x{height}-{fps}fps-{seconds:g}s{extras}/{seed}.mp4"


def sound(seed: int, *, format: str = "mp3", seconds: float = 2) -> str:
    """The key of a sound."""
    return f"audio/{seconds:g}s/{seed}.{format}"


def blob(size: int, *, seed: int = 0) -> str:
    """The key of a PNG of exactly `size` bytes."""
    return f"blob/{size}/{seed}.png"


def big_video(size: int, *, seed: int = 0) -> str:
    """The key of a video of exactly `size` bytes."""
    return f"big/{size}/{seed}.mp4"


def find(key: str) -> Asset:
    """The asset of a key; makes it, so call it in a thread. `errors.NotFound` where the key means nothing."""
    for pattern, make in KINDS:
        matched = pattern.fullmatch(key)
        if matched:
            return make(key, matched.groupdict(default=""))
    raise errors.NotFound(f"The simulator has nothing at {key[:200]!r}: see its index page for what can be asked.")


@functools.lru_cache(maxsize=4096)
def _digests(key: str) -> Digests:
    base, _, shortened = key.partition("#")
    asset = find(base)
    asset = asset.shortened(int(shortened)) if shortened else asset
    md5, sha256, body = hashlib.md5(usedforsecurity=False), hashlib.sha256(), bytearray()
    for piece in asset.pieces(0, asset.size):
        md5.update(piece)
        sha256.update(piece)
        if asset.size <= CRC32C_LIMIT:
            body += piece
    crc = crc32c.checksum(bytes(body)).to_bytes(4, "big") if asset.size <= CRC32C_LIMIT else None
    return Digests(md5=md5.digest(), sha256=sha256.digest(), crc32c=crc)


def digests(asset: Asset) -> Digests | None:
    """Of the whole asset, by its key; None above `DIGEST_LIMIT`. Takes time: call it in a thread."""
    return _digests(asset.key) if asset.size <= DIGEST_LIMIT else None


def of_bytes(key: str, content_type: str, body: bytes) -> Asset:
    """An asset that is in memory."""

    def pieces(start: int, length: int) -> Iterator[bytes]:
        end = min(len(body), start + length)
        for at in range(start, end, PIECE):
            yield body[at : min(end, at + PIECE)]

    return Asset(key=key, content_type=content_type, size=len(body), pieces=pieces)


def _image(key: str, of: dict[str, str]) -> Asset:
    body = media.picture(int(of["seed"]), format=of["format"], width=int(of["width"]), height=int(of["height"]))
    return of_bytes(key, pictures.FORMATS[of["format"]][1], body)


def _video(key: str, of: dict[str, str]) -> Asset:
    body = media.video(
        int(of["seed"]),
        seconds=float(of["seconds"]),
        width=int(of["width"]),
        height=int(of["height"]),
        fps=int(of["fps"]),
        audio=bool(of["audio"]),
        faststart=not of["slowstart"],
    )
    return of_bytes(key, "video/mp4", body)


def _sound(key: str, of: dict[str, str]) -> Asset:
    body = media.sound(int(of["seed"]), format=of["format"], seconds=float(of["seconds"]))
    return of_bytes(key, sounds.FORMATS[of["format"]], body)


def _blob(key: str, of: dict[str, str]) -> Asset:
    return of_bytes(key, "image/png", media.padded_png(int(of["size"]), seed=int(of["seed"])))


def _big(key: str, of: dict[str, str]) -> Asset:
    made = media.big_video(int(of["size"]), seed=int(of["seed"]))
    return Asset(key=key, content_type="video/mp4", size=made.size, pieces=made.pieces)


_SEED = r"(?P<seed>-?\d{1,18})"
_SIZE = r"(?P<width>\d{1,5})x(?P<height>\d{1,5})"
_SECONDS = r"(?P<seconds>\d{1,4}(\.\d{1,3})?)s"

KINDS: tuple[tuple[re.Pattern[str], Callable[[str, dict[str, str]], Asset]], ...] = (
    (re.compile(rf"image/{_SIZE}/{_SEED}\.(?P<format>jpeg|jpg|png|webp|gif|avif)"), _image),
    (
        re.compile(
            rf"video/{_SIZE}-(?P<fps>\d\d?)fps-{_SECONDS}(?P<audio>-audio)?(?P<slowstart>-slowstart)?/{_SEED}\.mp4"
        ),
        _video,
    ),
    (re.compile(rf"audio/{_SECONDS}/{_SEED}\.(?P<format>mp3|wav)"), _sound),
    (re.compile(rf"blob/(?P<size>\d{{1,10}})/{_SEED}\.png"), _blob),
    (re.compile(rf"big/(?P<size>\d{{1,16}})/{_SEED}\.mp4"), _big),
)
"""The grammar of keys, in the order tried."""
