"""In running text a URL ends where its writer meant it to, and is written back in the same way."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ambrotype.core import rewriting
from tests.rewrite import exchanging

A, B = "https://cdn.example/a.png", "https://cdn.example/b.jpg"
SIGNED = "https://b.s3.amazonaws.com/key?X-Amz-Date=20260101T000000Z&X-Amz-Expires=3600&X-Amz-Signature=ab"


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        (f"See {A}, {B}.", [A, B]),
        (f"({A})! \"{B}\"? '{A}';", [A, B, A]),
        (f"Is it {A}?", [A]),
        (f"{A},{B}", [A, B]),
        (f"{A},fox,12\n{B};owl", [A, B]),
        (f"![a fox]({A} 'title') and [![]({A})]({B})", [A, A, B]),
        ("[x](https://cdn.example/a_(1).png)", ["https://cdn.example/a_(1).png"]),
        (f"<{A}> **{A}** _{B}_ `{A}` ~{B}~", [A, A, B, A, B]),
        (f"[1]: {A}\n| {A} | {B} |", [A, A, B]),
        (f"请看{A}。谢谢 «{B}»", [A, B]),
        ("https://cdn.example/caf\u00e9.png 1x", ["https://cdn.example/caf\u00e9.png"]),
        (f'<img src="{A}" srcset="{A} 1x, {B} 2x"><a href={B}>x</a>', [A, A, B, B]),
        (f"<div style=\"background:url('{A}')\"> @import url({B});", [A, B]),
        ("<video src='https://cdn.example/v.mp4#t=0.5'>", ["https://cdn.example/v.mp4"]),
        (f'<img src="{SIGNED.replace("&", "&amp;")}">', [SIGNED]),
        (f'<img src="{SIGNED.replace("&", "&#38;")}"> {SIGNED.replace("&", "&amp;amp;")} x', [SIGNED, SIGNED]),
        (f'<i data-x="{{&quot;u&quot;:&quot;{A}&quot;,&quot;v&quot;:&quot;{B}&quot;}}">', [A, B]),
        (A.replace("/", "&#x2F;"), [A]),
        (f'<script>var x = {{"u": "{SIGNED}"}}</script>'.replace("/", "\\/").replace("&", "\\u0026"), [SIGNED]),
        (r"{\"u\": \"https:\\/\\/cdn.example\\/a.png\"} \u003chttps://cdn.example/b.jpg\u003e\n", [A, B]),
        (f"a: {A} # comment\nb: '{B}'", [A, B]),
        ("HTTPS://CDN.example/A.PNG", ["HTTPS://CDN.example/A.PNG"]),
        ("http://[2001:db8::1]:8080/a.png", ["http://[2001:db8::1]:8080/a.png"]),
        (SIGNED + "__", [SIGNED + "__"]),
        ("https://x.example/${name}.png https://fal.media/files/{id}.png git+https://x.example/a.png", []),
        ("https://x.example/page https://x.example/doc.html http://", []),
        (f"{SIGNED} {SIGNED}.", [SIGNED, SIGNED]),
    ],
)
def test_where_urls_begin_and_end(text: str, urls: list[str]) -> None:
    assert exchanging.urls(text) == urls


@pytest.mark.parametrize("slash", ["/", "\\/", "\\\\/", "\\\\\\/", "&#x2F;", "\\u002f"])
def test_slashes_are_written_as_they_were(slash: str) -> None:
    text = f'"{A.replace("/", slash)}" / \\/'
    assert exchanging.of_text(text) == f'"{exchanging.permanent(0).replace("/", slash)}" / \\/'


def test_all_but_the_urls_stays() -> None:
    text = f"\ufeff# Título\r\n\r\n![x]({A})\t&amp; <img src='{SIGNED.replace('&', '&amp;')}'/>\r\n\x0b\u2028end  \r\n"
    first, second = exchanging.permanent(0), exchanging.permanent(1)
    assert exchanging.of_text(text) == text.replace(A, first).replace(SIGNED.replace("&", "&amp;"), second)


pieces = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        [
            *(A, B, SIGNED, "https://", "http:", "https:\\/\\/", "\\/", "&amp;", "&quot;", "\\", "\\u0026", "%", "é"),
            *("(", ")", "[", "](", "'", '"', ">", "<", ",", ";", ".", "#", "{", "$", "*", "_", " ", "\n", "|", "`"),
            *("data:image/png;base64,AA", "blob:"),
        ]
    ),
)
texts = st.lists(pieces, max_size=14).map("".join).filter(lambda text: text[:1] not in "[{\ufeff")


@given(texts)
@settings(max_examples=1500, deadline=None)
def test_rewriting_any_text_again_changes_nothing(text: str) -> None:
    once = exchanging.of_text(text)

    assert exchanging.of_text(once) == once


@given(texts)
@settings(max_examples=800, deadline=None)
def test_what_is_found_stands_where_it_is_said_to(text: str) -> None:
    raw = rewriting.written(text)
    end = 0
    for one in rewriting.found(raw):
        assert end <= one.start < one.end <= len(raw)
        assert one.url.lower().startswith(("http", "data:", "blob:"))
        end = one.end


def test_a_url_on_each_of_many_lines() -> None:
    assert exchanging.urls("\n".join([A, B] * 3000)) == [A, B] * 3000
