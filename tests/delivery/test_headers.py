"""Headers that say what a file is and keep it from doing harm."""

import datetime
import email.message
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ambrotype.delivery import deliverable, headers, signing
from ambrotype.storage import contract

NOW = datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)


def content(content_type=None, name="x"):
    return deliverable.Content(
        key=contract.Key("media", "x"),
        size=1,
        sha256=hashlib.sha256(b"x").digest(),
        content_type=content_type,
        modified=NOW,
        name=name,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("fox.png", 'inline; filename="fox.png"'),
        ("a b (1).png", 'inline; filename="a b (1).png"'),
        ("füchse 狐.png", "inline; filename=\"f_chse _.png\"; filename*=UTF-8''f%C3%BCchse%20%E7%8B%90.png"),
        ('a"b\\c.png', 'inline; filename="a_b_c.png"'),
        ("../../etc/passwd", 'inline; filename=".._.._etc_passwd"'),
        (
            "a\r\nSet-Cookie: x",
            "inline; filename=\"a__Set-Cookie_ x\"; filename*=UTF-8''a__Set-Cookie%3A%20x",
        ),
        ("100%.png", "inline; filename=\"100_.png\"; filename*=UTF-8''100%25.png"),
        ("photo\u202egnp.exe", 'inline; filename="photo_gnp.exe"'),
        ("", "inline"),
    ],
)
def test_names_go_out_whole_and_harmless(name, value):
    assert headers.disposition(name, download=False) == value


def test_a_download_is_an_attachment():
    assert headers.disposition("fox.png", download=True) == 'attachment; filename="fox.png"'


@given(name=st.text())
def test_no_name_breaks_the_header(name):
    value = headers.disposition(name, download=False)
    value.encode("ascii")
    assert value.isprintable()
    parsed = email.message.Message()
    parsed["Content-Disposition"] = value
    assert parsed.get_content_disposition() == "inline"


@pytest.mark.parametrize("bad", [None, "", "png", "image/png\r\nX: y", "image/png\n", "a/b/c", "image/ä"])
def test_a_type_that_is_none_is_sent_as_octets(bad):
    assert headers.content_type(content(bad)) == "application/octet-stream"


@pytest.mark.parametrize("good", ["image/png", "video/mp4; codecs=avc1", "image/svg+xml", "audio/x-m4a"])
def test_a_type_is_sent_as_recorded(good):
    assert headers.content_type(content(good)) == good


@pytest.mark.parametrize(
    ("media_type", "passive"),
    [
        ("image/png", True),
        ("IMAGE/JPEG", True),
        ("video/mp4; codecs=avc1", True),
        ("audio/mpeg", True),
        ("image/svg+xml", False),
        ("image/SVG+xml; charset=utf-8", False),
        ("image/svg", False),
        ("text/html", False),
        ("application/xml", False),
        ("application/pdf", False),
        (None, False),
    ],
)
def test_everything_is_sandboxed_and_what_could_run_has_no_origin(media_type, passive):
    found = dict(headers.representation(content(media_type), download=False))
    policy = found[b"content-security-policy"].decode().split("; ")
    assert "default-src 'none'" in policy
    assert ("sandbox allow-same-origin" if passive else "sandbox") in policy
    assert not any(rule.startswith("script-src") or "allow-scripts" in rule for rule in policy)
    assert found[b"x-content-type-options"] == b"nosniff"
    assert found[b"cross-origin-resource-policy"] == b"cross-origin"


def test_how_long_a_reply_may_be_kept():
    grant = signing.Grant(expires_at=NOW + datetime.timedelta(minutes=90), share=None)
    said = {
        (visibility, granted): headers.cache_control(visibility, grant=grant if granted else None, now=NOW)
        for visibility in ("private", "unlisted", "public")
        for granted in (False, True)
    }
    assert said == {
        ("private", False): "private, max-age=60",
        ("unlisted", False): "private, max-age=60",
        ("public", False): "public, max-age=300, stale-while-revalidate=86400",
        ("private", True): "private, max-age=5400",
        ("unlisted", True): "private, max-age=5400",
        ("public", True): "public, max-age=5400",
    }
