"""Suggested tags: what a prompt is about, in its own words, lower-case, most telling first; the same each time.

RAKE (Rose et al. 2010): phrases are what stands between punctuation and stop words; a word counts by the company that
it
keeps. The stop words of 57 languages come from stopwordsiso; which language it is shows by whose occur most often.
"""

import collections
import functools
import re
import unicodedata
from collections.abc import Iterable, Sequence

import stopwordsiso

MOST = 12
MOST_TEXT = 20_000
MOST_WORDS = 3
"""In one tag."""
MOST_LETTERS = 40

# What asks for quality and says nothing of the picture.
PRAISE = frozenset(
    {
        *(
            "masterpiece",
            "masterpieces",
            "best",
            "quality",
            "high",
            "highly",
            "ultra",
            "very",
            "detailed",
            "detail",
            "intricate",
        ),
        *(
            "hd",
            "uhd",
            "hdr",
            "4k",
            "8k",
            "16k",
            "hires",
            "highres",
            "absurdres",
            "resolution",
            "sharp",
            "focus",
            "trending",
        ),
        *("artstation", "award", "winning", "photorealistic", "realistic", "hyperrealistic", "professional", "amazing"),
        *(
            "stunning",
            "beautiful",
            "epic",
            "score",
            "score_9",
            "score_8_up",
            "score_7_up",
            "newest",
            "aesthetic",
            "create",
        ),
        *("generate", "make", "image", "picture"),
    }
)

# Syntax of generators: networks, weights, blends, flags, addresses.
_SYNTAX = (
    (re.compile(r"<[a-z]{2,12}:[^<>]{0,200}>", re.IGNORECASE), ","),
    (re.compile(r"https?://\S{1,2000}"), ","),
    (re.compile(r"\s--[a-z]{1,20}(?: [^\s-]\S{0,100})?"), ","),
    (re.compile(r"\bembedding:"), " "),
    (re.compile(r":{1,2}-?\d{0,3}\.?\d{1,3}(?=[)\]},\s:]|$)"), ","),
    (re.compile(r"\b(?:BREAK|AND)\b"), ","),
    (re.compile(r"\\([()\[\]{}])"), " "),
)
_ENDS = re.compile(r"[^\w\s'’\-]+|_{2,}|\n+")
_WORD = re.compile(r"[^\W_]+(?:[_'’\-][^\W_]+)*")
_IDEOGRAPHS = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\u30a0-\u30ff\u3005]+")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
# Chinese writes its particles amid ideographs. Japanese ones are hiragana, between which the ideographs stand out.
_PARTICLES = re.compile("一[个只条张位片]|[的了在和与及着是有]")


def suggest(text: str | None, *, without: Iterable[str] = ()) -> list[str]:
    """At most twelve tags for a text in any language; never those in `without`."""
    phrases = _phrases(text or "")
    stops = _stop_words(phrases)
    candidates = [found for phrase in phrases for found in _candidates(phrase, stops)]
    refused = {tag.strip().lower() for tag in without}
    ranked = _ranked(candidates)
    return [tag for tag in ranked if tag not in refused][:MOST]


def _phrases(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", text[:MOST_TEXT])
    for pattern, instead in _SYNTAX:
        plain = pattern.sub(instead, plain)
    return [phrase for part in _ENDS.split(plain.lower()) if (phrase := part.strip())]


def _stop_words(phrases: Sequence[str]) -> frozenset[str]:
    """Those of the language that has most of the words; of several equal ones English, then by the alphabet."""
    words = collections.Counter(word for phrase in phrases for word in _WORD.findall(phrase))
    languages = ["en", *sorted(stopwordsiso.langs() - {"en"})]
    return max(
        (_of(code) for code in languages), key=lambda stops: sum(n for word, n in words.items() if word in stops)
    )


@functools.cache
def _of(language: str) -> frozenset[str]:
    return frozenset(stopwordsiso.stopwords(language))


def _candidates(phrase: str, stops: frozenset[str]) -> list[tuple[str, ...]]:
    """Runs of telling words in a phrase."""
    if _UNSPACED.search(phrase):
        runs = _PARTICLES.sub(" ", " ".join(_IDEOGRAPHS.findall(phrase))).split()
        return [(run,) for run in runs if len(run) > 1]
    found: list[tuple[str, ...]] = []
    run: list[str] = []
    for word in [*_WORD.findall(phrase), ""]:
        if word and word not in stops and word not in PRAISE and (len(word) > 1 or ord(word) > 0x2FFF):
            run.append(word)
            continue
        # Of a long run the end is what the rest describes.
        if run:
            found.append(tuple(run[-MOST_WORDS:]))
        run = []
    return found


def _ranked(candidates: Sequence[tuple[str, ...]]) -> list[str]:
    frequency: collections.Counter[str] = collections.Counter()
    company: collections.Counter[str] = collections.Counter()
    for words in candidates:
        frequency.update(words)
        for word in words:
            company[word] += len(words)
    scores: dict[str, tuple[float, int]] = {}
    for place, words in enumerate(candidates):
        tag = " ".join(words)
        if len(tag) <= MOST_LETTERS and not all(word.isdigit() for word in words) and tag not in scores:
            scores[tag] = (-sum(company[word] / frequency[word] for word in words), place)
    return sorted(scores, key=lambda tag: scores[tag])
