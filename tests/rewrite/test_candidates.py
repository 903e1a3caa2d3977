"""Media is told by extension, host and signature; links to pages stay."""

import pytest

from ambrotype.core import candidates

SIGNED = "X-Amz-Date=20260101T000000Z&X-Amz-Expires=3600&X-Amz-Signature=00"
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE5MDAwMDAwMDB9.abcd"
ID = "0199f0a1-5b7c-7abc-8def-0123456789ab"


@pytest.mark.parametrize(
    "url",
    [
        "https://cdn.example/a.png",
        "https://cdn.example/a.JPG?x=1",
        "https://cdn.example/v.mp4#t=1",
        "https://cdn.example/a%20b.webp",
        "https://v3.fal.media/files/lion/abc",
        "https://replicate.delivery/pbxt/abc/output",
        "https://storage.googleapis.com/falserverless/model/out",
        f"https://bucket.s3.amazonaws.com/key?{SIGNED}",
        f"https://bucket.s3.amazonaws.com/clip.ts?{SIGNED}",
        f"https://bucket.s3.amazonaws.com/key.zip?{SIGNED}&response-content-type=image%2Fpng",
        "https://x.supabase.co/storage/v1/object/sign/b/key?token=" + TOKEN,
        "https://ark-content.tos-ap-southeast-1.volces.com/x?X-Tos-Date=20260101T000000Z&X-Tos-Expires=86400",
        "https://generativelanguage.googleapis.com/v1beta/files/abc:download?alt=media",
    ],
)
def test_media(url: str) -> None:
    assert candidates.is_media(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://example.com/gallery/",
        "https://example.com/fox.html",
        "https://fal.media/",
        "https://fal.media/files/lora.safetensors",
        "https://wavespeed.ai/docs/errors",
        "https://ark.cn-beijing.volces.com/api/v3/images/generations",
        "https://generativelanguage.googleapis.com/v1beta/models",
        "https://raw.githubusercontent.com/a/b/main.ts",
        "https://github.com/a/b/blob/main/fox.png",
        "https://en.wikipedia.org/wiki/File:Fox.jpg",
        f"https://app.example/login?token={TOKEN}",
        "https://shop.example/offer?expires=1900000000",
        f"https://bucket.s3.amazonaws.com/data.csv?{SIGNED}",
        f"https://bucket.s3.amazonaws.com/key?{SIGNED}&response-content-type=application%2Fpdf",
        f"https://bucket.s3.amazonaws.com/key?{SIGNED}&response-content-disposition=attachment%3Bfilename%3D%22a.zip%22",
        "ftp://example.com/a.png",
        "not a url",
    ],
)
def test_not_media(url: str) -> None:
    assert not candidates.is_media(url)


@pytest.mark.parametrize(
    ("url", "permanent"),
    [
        (f"https://media.example/m/{ID}/a.png", True),
        (f"https://media.example/under/m/{ID}", True),
        (f"https://media.example/m/{ID}/a.png?w=640", True),
        ("https://media.example/m/0199f0a1-5b7c-4abc-8def-0123456789ab/a.png", False),
        ("https://media.example/m/fox/a.png", False),
        (f"https://media.example/{ID}/a.png", False),
    ],
)
def test_permanent_urls_are_known_by_their_form(url: str, permanent: bool) -> None:
    assert candidates.permanent(url) is permanent


def test_the_place_says_the_kind_where_the_name_does_not() -> None:
    assert candidates.kind("https://fal.media/x", ("scenes", "video_url")) == "video"
    assert candidates.kind("https://fal.media/x", ("music", "0")) == "audio"
    assert candidates.kind("https://fal.media/x.png", ("video", "poster")) is None
    assert candidates.kind("https://fal.media/x", ("image",)) is None
