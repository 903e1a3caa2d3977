"""Rewriting without a library: media URLs become permanent ones of made-up items, and back."""

from ambrotype.core import candidates, rewriting

HOME = "https://media.example.com"


def permanent(number: int) -> str:
    return f"{HOME}/m/01890000-0000-7000-8000-{number:012x}/out.png"


def rewritten(raw: str) -> tuple[str, list[rewriting.Found]]:
    """The text with a permanent URL for each different URL that counts as media, and where they were."""
    found = [one for one in rewriting.found(raw) if candidates.is_media(one.url) and not candidates.permanent(one.url)]
    numbers = {url: number for number, url in enumerate(dict.fromkeys(one.url for one in found))}
    return rewriting.exchanged(raw, [(one, permanent(numbers[one.url])) for one in found]), found


def urls(text: str) -> list[str]:
    """The media URLs of a text."""
    return [one.url for one in rewritten(rewriting.written(text))[1]]


def of_text(text: str) -> str:
    """A text, rewritten."""
    done: str = rewriting.read(rewritten(rewriting.written(text))[0])
    return done
