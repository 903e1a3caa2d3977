"""Which URLs of a document are media that may die: told by extension, host and signature, without asking anybody.

A wrong yes replaces a link to a page by a permanent URL of nothing; a wrong no leaves a URL to die. So a name decides
where there is one, and where there is none only a host or a signature that stands for files.
"""

import functools
import re

from ambrotype.core import expiry, ids, links, media, schemes, sources, types

NOT_MEDIA = frozenset(
    extension
    for group in (
        ("asp", "aspx", "cgi", "htm", "html", "ics", "jsp", "mdx", "php", "shtml", "webmanifest", "xhtml"),
        ("c", "cfg", "conf", "cpp", "css", "go", "git", "h", "ini", "ipynb", "java", "js", "jsx", "mjs", "pl", "ps1"),
        ("py", "rb", "rs", "sh", "sql", "tsx", "wasm", "map"),
        ("atom", "csv", "json", "jsonl", "m3u8", "md", "mpd", "ndjson", "parquet", "rss", "srt", "toml", "tsv", "txt"),
        ("vtt", "xml", "yaml", "yml"),
        ("doc", "docx", "epub", "odt", "pdf", "ppt", "pptx", "psd", "rtf", "tex", "xls", "xlsx"),
        (
            "7z",
            "bz2",
            "dmg",
            "exe",
            "gz",
            "iso",
            "jar",
            "msi",
            "rar",
            "tar",
            "tgz",
            "torrent",
            "whl",
            "xz",
            "zip",
            "zst",
        ),
        ("bin", "ckpt", "onnx", "pkl", "pt", "pth", "safetensors"),
        ("fbx", "glb", "gltf", "obj", "ply", "stl", "usdz"),
        ("otf", "ttf", "woff", "woff2"),
    )
    for extension in group
)
"""Extensions of what is no picture, video or audio, also where its host or signature would speak for it."""
SOURCE_CODE = frozenset({"ts", "mts"})
"""Extensions of films, and more often of TypeScript: they count where host or signature speak for media."""
MIXED = ("bytepluses.com", "generativelanguage.googleapis.com", "volces.com", "wavespeed.ai")
"""Domains of `expiry.HOSTS` that answer calls and show pages too."""
EVERYDAY = frozenset({"jwt"})
"""Rules of `schemes.SCHEMES` that are at work in links to pages as well: sign-in links hold tokens."""

_TYPE = ("response-content-type", "rsct")
_DISPOSITION = ("response-content-disposition", "rscd")
_FILENAME = re.compile(r"""filename\*?=(?:"|'|UTF-8'')?[^"';]*?\.([A-Za-z0-9]{1,12})(?:"|'|;|$)""", re.IGNORECASE)
_PAGE = re.compile(r"[^/:]+:[^/]+\.[A-Za-z0-9]+")
"""`File:Fox.jpg`: a wiki's page about a picture."""
_PERMANENT = re.compile(r".*/m/([0-9a-f-]{36})(?:/[^/]*)?")
_VIDEO = re.compile(r"video|movie|film|clip", re.IGNORECASE)
_AUDIO = re.compile(r"audio|music|voice|speech|sound", re.IGNORECASE)


@functools.lru_cache(maxsize=4096)
def is_media(url: str) -> bool:
    """Whether an http(s) URL is most likely a picture, a video or a sound, and not a page or something else."""
    link = links.parse(url)
    if link is None:
        return False
    served = _served(link)
    signed = _signed(link)
    extension = _extension(link, url)
    if extension in types.EXTENSIONS:
        return served or signed or (extension not in SOURCE_CODE and not _about(link))
    if extension in NOT_MEDIA or link.path.endswith("/"):
        return False
    return served or signed


def permanent(url: str) -> bool:
    """Whether it has the form of an Ambrotype's permanent URL, at whatever address."""
    link = links.parse(url)
    found = _PERMANENT.fullmatch(link.path) if link else None
    media_id = ids.parse(found[1]) if found else None
    return media_id is not None and media_id.version == 7


def kind(url: str, steps: tuple[str, ...]) -> media.Kind | None:
    """What the place in the document says of a URL whose name says nothing: `video_url` holds a video."""
    if types.guess(sources.name_of(url), None) is not None:
        return None
    place = "/".join(steps[-2:])
    return "video" if _VIDEO.search(place) else "audio" if _AUDIO.search(place) else None


def _extension(link: links.Link, url: str) -> str:
    """In lower case: of the file that the server is told to call it, of its type, else of the path; or empty."""
    for disposition in link.values(*_DISPOSITION):
        if named := _FILENAME.search(disposition):
            return named[1].lower()
    for declared in link.values(*_TYPE):
        guess = types.guess(None, declared)
        if guess is not None:
            return guess.ext
        if declared.partition("/")[0].lower() in ("text", "application") and "octet-stream" not in declared:
            return "txt"
    name = sources.name_of(url) or ""
    return name.rpartition(".")[2].lower() if "." in name else ""


def _served(link: links.Link) -> bool:
    """Whether a provider serves its outputs there, and nothing else."""
    if link.path == "/":
        return False
    if link.within("generativelanguage.googleapis.com"):
        return "/files/" in link.path and (link.path.endswith(":download") or "media" in link.values("alt"))
    if link.within(*MIXED):
        return False
    places = (place.partition("/") for place in expiry.HOSTS)
    return any(link.within(domain) and link.path.startswith(f"/{folder}") for domain, _, folder in places)


def _signed(link: links.Link) -> bool:
    """Whether a store or a CDN has signed it for a while."""
    return any(scheme.rule not in EVERYDAY and any(scheme.read(link)) for scheme in schemes.detect(link))


def _about(link: links.Link) -> bool:
    """Whether it is a page about a file, with the file's name."""
    segments = link.segments
    return bool(_PAGE.fullmatch(segments[-1])) or (link.within("github.com", "gitlab.com") and "blob" in segments)
