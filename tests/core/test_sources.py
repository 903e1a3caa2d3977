"""A URL signed anew is the same source, two objects never are, and no secret of a URL is ever shown."""

import datetime
import secrets

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ambrotype.core import sources
from tests.core import signing

NOW = signing.NOW
LATER = NOW + datetime.timedelta(hours=7)
WHOLE = {"akamai in the path", "bunny in the path", "any jwt", "jwt in the path"}
"""Samples whose signature is not in parameters of a known scheme: each URL is a source of its own."""
names = st.text(alphabet=st.characters(exclude_characters="&=#?\t\r\n", codec="utf-8"), min_size=1, max_size=12)


@pytest.mark.parametrize("scheme", sorted(signing.MAKERS.keys() - WHOLE))
def test_two_signatures_of_one_object_are_one_source(scheme: str) -> None:
    make = signing.MAKERS[scheme][1]
    assert sources.key(make(NOW, 600)) == sources.key(make(LATER, 900))


@pytest.mark.parametrize("scheme", sorted(WHOLE))
def test_where_the_scheme_is_not_known_the_whole_url_counts(scheme: str) -> None:
    make = signing.MAKERS[scheme][1]
    url = make(NOW, 600)
    assert sources.key(url) == sources.key(url)
    assert sources.key(url) != sources.key(make(LATER, 900))


@pytest.mark.parametrize("scheme", signing.MAKERS)
def test_another_path_host_or_parameter_is_another_object(scheme: str) -> None:
    url = signing.MAKERS[scheme][1](NOW, 600)
    place, query, rest = url.partition("?")
    others = {
        url,
        f"{place}x{query}{rest}",
        url.replace("https://", "https://other."),
        url.replace("https://", "http://"),
        url.replace("https://", "https://me@"),
        f"{url}{'&' if query else '?'}versionId=2",
        f"{url}{'&' if query else '?'}response-content-type=image/png",
    }
    assert len({sources.key(other) for other in others}) == 7


@settings(max_examples=50)
@given(st.dictionaries(names, names, max_size=4), st.dictionaries(names, names, max_size=4))
def test_parameters_that_are_not_signature_tell_objects_apart(one: dict[str, str], two: dict[str, str]) -> None:
    def url(more: dict[str, str]) -> str:
        query = "".join(f"&{name}={value}" for name, value in more.items())
        return signing.s3(NOW, 60, base=f"https://bucket.s3.amazonaws.com/fox.png?x-id=GetObject{query}")

    assert (sources.key(url(one)) == sources.key(url(two))) is (list(one.items()) == list(two.items()))


def test_a_signed_url_and_the_bare_one_are_one_source() -> None:
    assert sources.key(signing.s3(NOW, 60)) == sources.key("https://bucket.s3.amazonaws.com/a/fox.png")


def test_an_image_transformed_by_its_token_is_an_object_of_its_own() -> None:
    small = signing.supabase(NOW, 60, transform="width:100")
    assert sources.key(small) == sources.key(signing.supabase(LATER, 60, transform="width:100"))
    assert sources.key(small) != sources.key(signing.supabase(NOW, 60, transform="width:200"))
    assert sources.key(signing.mux(NOW, 60, time=1)) != sources.key(signing.mux(NOW, 60, time=2))


def test_accounts_of_a_self_hosted_store_have_buckets_of_their_own() -> None:
    base = "https://s3.example.com/bucket/fox.png"
    mine = signing.s3(NOW, 60, base=base, account="MINE")
    assert sources.key(mine) == sources.key(signing.s3(LATER, 90, base=base, account="MINE"))
    assert sources.key(mine) != sources.key(signing.s3(NOW, 60, base=base, account="YOURS"))


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("https://cdn.example/get?token=FILE1&expires=1800000000", "https://cdn.example/get?token=FILE2&expires=1800000000"),
        ("https://cdn.example/get?exp=1&sig=a", "https://cdn.example/get?exp=1&sig=b"),
        ("https://cdn.example/get?ex=1&is=1&hm=1", "https://cdn.example/get?ex=1&is=1&hm=2"),
        ("https://cdn.example/get?se=1&sig=a&st=1", "https://cdn.example/get?se=1&sig=a&st=2"),
        ("https://cdn.example/get?_jwt=one", "https://cdn.example/get?_jwt=two"),
        ("https://c.example/a?Expires=1&Signature=a&Key-Pair-Id=K&signature=1", "https://c.example/a?Expires=1&Signature=a&Key-Pair-Id=K&signature=2"),
        ("https://c.example/a?Expires=1&Signature=a&Key-Pair-Id=K&Signature=1", "https://c.example/a?Expires=1&Signature=a&Key-Pair-Id=K&Signature=2"),
        ("https://c.example/a", "https://c.example/a?"),
        ("https://c.example/a%2Fb", "https://c.example/a/b"),
        ("https://c.example/a?x=1&y=2", "https://c.example/a?y=2&x=1"),
        ("https://c.example/a?x=%FF", "https://c.example/a?x=%FE"),
        ("https://c.example:8443/a", "https://c.example/a"),
    ],
)  # fmt: skip
def test_what_may_choose_the_object_stays(one: str, two: str) -> None:
    assert sources.key(one) != sources.key(two)


def test_spelling_that_means_the_same_is_one_source() -> None:
    same = ["https://cdn.example/A?x=1", "HTTPS://CDN.Example:443/A?x=1#part", "https://cdn.example:/A?x=1"]
    assert len({sources.key(url) for url in same}) == 1
    assert sources.key("http://cdn.example:80") == sources.key("http://cdn.example/")


@pytest.mark.parametrize("scheme", signing.MAKERS)
def test_no_signature_is_shown(scheme: str) -> None:
    url = signing.MAKERS[scheme][1](NOW, 600)
    shown = sources.shown(url)
    secret = [part for part in url.replace("=", "&").replace("~", "&").replace("/", "&").split("&") if len(part) >= 20]
    host = sources.host(url)
    assert shown.startswith(f"https://{host}/")
    assert not [part for part in secret if part in shown and part not in host]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:pw@cdn.example/fox.png?w=100#x", "https://cdn.example/fox.png?w=100"),
        ("https://cdn.example/fox.png?api_key=1&w=2&Access=3", "https://cdn.example/fox.png?w=2"),
        ("https://cdn.example/fox.png?q=0123456789abcdef0123456789abcdef", "https://cdn.example/fox.png"),
        ("https://cdn.example/i?url=https%3A%2F%2Fb.s3.amazonaws.com%2Fk%3FX-Amz-Signature%3D0123456789&w=2", "https://cdn.example/i?w=2"),
        ("https://cdn.example/f\u00fc\x1b[2J\u2028x.png", "https://cdn.example/f%C3%BC%1B[2J%E2%80%A8x.png"),
        ("https://cdn.example/my.photo.png", "https://cdn.example/my.photo.png"),
        ("data:image/png;base64,AAAA", "data:…"),
        ("javascript:alert(1)", "(not a URL)"),
    ],
)  # fmt: skip
def test_what_is_shown_is_fit_for_a_log(url: str, shown: str) -> None:
    assert sources.shown(url) == shown


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://cdn.example/a/fox%20one.png?w=1", "fox one.png"),
        ("https://firebasestorage.googleapis.com/v0/b/x/o/folder%2Ffox.png?alt=media", "fox.png"),
        ("https://cdn.example/a/%E7%8B%90.png", "狐.png"),
        ("https://cdn.example/a/x%00%0Ay%E2%80%AEz.png", "xyz.png"),
        ("https://cdn.example/..%5Cfox.png", "fox.png"),
        ("https://cdn.example/a/", None),
        ("https://cdn.example", None),
        ("https://cdn.example/%2e%2e", None),
        ("nothing", None),
    ],
)
def test_the_name_is_the_end_of_the_path(url: str, name: str | None) -> None:
    assert sources.name_of(url) == name


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("HTTPS://CDN.Example:443/x", "cdn.example"),
        ("http://u:p@cdn.example:8080/x", "cdn.example:8080"),
        ("http://[::1]:80/x", "[::1]"),
        ("http://[::1/x", ""),
        ("http://a:99999/x", ""),
        ("ftp://a/x", ""),
        ("", ""),
    ],
)
def test_the_host_is_one_name_for_one_server(url: str, host: str) -> None:
    assert sources.host(url) == host


@settings(max_examples=200)
@given(
    st.text(alphabet=st.characters(), max_size=60),
    st.sampled_from(["", "http://", "https://a/", "https://a/?token="]),
)
def test_no_text_upsets_them(text: str, start: str) -> None:
    url = start + text
    assert len(sources.key(url)) == 32
    assert sources.key(url) == sources.key(url)
    assert len(sources.shown(url)) <= sources.MOST_SHOWN
    assert sources.shown(url).isprintable()
    assert sources.name_of(url) != ""
    assert sources.host(url) == sources.host(url).lower()


def test_a_very_long_url_is_still_a_source_of_its_own() -> None:
    url = "https://a.example/" + secrets.token_hex(40_000)
    assert sources.key(url) != sources.key(url + "0")
