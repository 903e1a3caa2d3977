"""JSON comes back byte for byte equal but for its URLs."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ambrotype.core import jsontext, rewriting
from tests.rewrite import exchanging

URL = "https://v3.fal.media/files/lion/out{}.png?X-Amz-Date=20260101T000000Z&X-Amz-Expires=3600&n={}"

numbers = st.sampled_from(
    ["0", "-0", "1.0", "1.10", "1e5", "1E+05", "-2.5e-7", "1e999", "123456789012345678901234567890", "0.1"]
)
spaces = st.sampled_from(["", " ", "\n  ", "\r\n\t", "   "])
plain = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=12)


def escaped(text: str, how: int) -> str:
    """A string literal, written in one of the ways there are."""
    literal = json.dumps(text, ensure_ascii=bool(how & 1))
    if how & 2:
        literal = literal.replace("/", "\\/")
    if how & 4:
        literal = literal.replace("&", "\\u0026").replace("h", "\\u0068")
    return literal


@st.composite
def strings(draw: st.DrawFn) -> str:
    text = draw(plain)
    if draw(st.booleans()):
        number = draw(st.integers(0, 5))
        text = draw(st.sampled_from(["{1}", "{0} {1} {0}", "![{0}]({1})", '<img src="{1}">'])).format(
            text.replace("{", "").replace("}", ""), URL.format(number, number)
        )
    return escaped(text, draw(st.integers(0, 7)))


@st.composite
def containers(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    values = draw(st.lists(inner, max_size=4))
    gaps = [draw(spaces) for _ in range(2 * len(values) + 1)]
    keys = draw(st.booleans())
    members = [
        gaps[2 * n]
        + (f"{escaped(draw(st.sampled_from(['a', 'b', 'a/b~', 'é'])), 0)}{draw(spaces)}:" if keys else "")
        + v
        for n, v in enumerate(values)
    ]
    body = ",".join(f"{member}{gaps[2 * n + 1]}" for n, member in enumerate(members)) or gaps[0]
    return f"{{{body}}}" if keys else f"[{body}]"


documents = st.recursive(
    st.one_of(numbers, strings(), st.sampled_from(["true", "false", "null"])), containers, max_leaves=12
)


@given(documents)
@settings(max_examples=400, deadline=None)
def test_only_urls_differ(raw: str) -> None:
    done, found = exchanging.rewritten(raw)

    at, back, pieces = 0, 0, []
    for one in found:
        kept = raw[at : one.start]
        assert done[back : back + len(kept)] == kept
        new = exchanging.permanent([*dict.fromkeys(o.url for o in found)].index(one.url)).replace("/", one.slash)
        assert done[back + len(kept) :].startswith(new)
        pieces += kept, raw[one.start : one.end]
        at, back = one.end, back + len(kept) + len(new)
    assert done[back:] == raw[at:]
    assert "".join(pieces) + raw[at:] == raw


@given(documents)
@settings(max_examples=400, deadline=None)
def test_every_planted_url_is_found_and_the_values_are_the_same_with_it_exchanged(raw: str) -> None:
    done, found = exchanging.rewritten(raw)

    planted = json.dumps(json.loads(raw, object_pairs_hook=list)).count("https://v3.fal.media/")
    assert len(found) == planted
    assert {one.url for one in found} <= {URL.format(n, n) for n in range(6)}
    names = {url: exchanging.permanent(n) for n, url in enumerate(dict.fromkeys(one.url for one in found))}

    def exchanged(value: Any) -> Any:
        if isinstance(value, str):
            for url, name in names.items():
                value = value.replace(url, name)
        return [exchanged(one) for one in value] if isinstance(value, list | tuple) else value

    expected = exchanged(json.loads(raw, object_pairs_hook=list))
    assert json.dumps(exchanged(json.loads(done, object_pairs_hook=list))) == json.dumps(expected)


@given(documents)
@settings(max_examples=200, deadline=None)
def test_rewriting_again_changes_nothing(raw: str) -> None:
    done, _ = exchanging.rewritten(raw)

    assert exchanging.rewritten(done) == (done, [])


@given(documents)
@settings(max_examples=200, deadline=None)
def test_a_pointer_leads_to_the_string_that_holds_the_url(raw: str) -> None:
    _, found = exchanging.rewritten(raw)

    class Pairs(list[tuple[str, Any]]):
        """An object with its repeated keys."""

    for one in found:
        reached: list[Any] = [json.loads(raw, object_pairs_hook=Pairs)]
        for step in one.steps:
            reached = [
                child
                for value in reached
                if isinstance(value, list)
                for key, child in (value if isinstance(value, Pairs) else enumerate(value))
                if str(key) == step
            ]
        assert any(isinstance(value, str) and one.url in value for value in reached)


@given(documents, st.integers(0, 5))
@settings(max_examples=100, deadline=None)
def test_json_within_a_string_is_rewritten_where_it_is_written(raw: str, how: int) -> None:
    outer = escaped(raw, how)
    done, found = exchanging.rewritten(outer)

    if raw.lstrip()[:1] in ("{", "["):
        assert json.loads(done) == exchanging.rewritten(raw)[0]
        assert [one.pointer for one in found] == [one.pointer for one in exchanging.rewritten(raw)[1]]


@given(st.recursive(documents, lambda inner: inner.map(lambda raw: json.dumps({"nested": raw})), max_leaves=3))
@settings(max_examples=200, deadline=None)
def test_a_string_that_holds_json_still_does(raw: str) -> None:
    done, _ = exchanging.rewritten(raw)

    def unfolded(value: Any) -> Any:
        if isinstance(value, str):
            try:
                return ("json", unfolded(json.loads(value)))
            except ValueError:
                return "text"
        if isinstance(value, dict):
            return {key: unfolded(one) for key, one in value.items()}
        return [unfolded(one) for one in value] if isinstance(value, list) else "scalar"

    assert unfolded(json.loads(done)) == unfolded(json.loads(raw))


def test_numbers_keys_escapes_and_repeated_keys_stay_as_they_are() -> None:
    head, tail = '{ "z":1.0,"a" :-0 ,"z": 1e5,\r\n\t"big":123456789012345678901234567890,"s":"\\u00e9\\/ \\n', '"}'
    done, _ = exchanging.rewritten(f"{head}https:\\/\\/fal.media\\/a.png{tail}")

    assert done == head + exchanging.permanent(0).replace("/", "\\/") + tail


def test_keys_are_not_rewritten() -> None:
    raw = '{"https://fal.media/a.png": 1}'
    assert exchanging.rewritten(raw) == (raw, [])


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "{", "[1,]", "[,1]", '{"a"}', '{"a":}', '{"a":1,}', "{a:1}", "['a']", "[1 2]", "[01]", "[1.]", "[.5]",
        "[NaN]", "[Infinity]", "[+1]", '["\t"]', '["\\x41"]', '["\\u12"]', '["a]', "[1]]", "{}{}", "[}", "{]", "tru",
        "[1} ", '{"a":1]', "[1,2", "nullx", "[1,2]x", "\ufeff[]",
    ],
)  # fmt: skip
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(jsontext.NotJson):
        rewriting.found(text)


@given(documents.flatmap(lambda raw: st.tuples(st.just(raw), st.integers(0, max(len(raw) - 1, 0)))))
@settings(max_examples=300, deadline=None)
def test_the_grammar_is_that_of_the_standard_library(damaged: tuple[str, int]) -> None:
    raw, at = damaged
    text = raw[:at] + raw[at + 1 :]
    try:
        json.loads(text)
    except ValueError:
        with pytest.raises(jsontext.NotJson):
            rewriting.found(text)
    else:
        rewriting.found(text)


def test_depth_is_bounded_without_recursion() -> None:
    deep = "[" * jsontext.MOST_DEPTH + '"https://fal.media/a.png"' + "]" * jsontext.MOST_DEPTH
    assert len(rewriting.found(deep)) == 1
    with pytest.raises(jsontext.NotJson, match="nested"):
        rewriting.found(f"[{deep}]")
    with pytest.raises(jsontext.NotJson):
        rewriting.found("[" * 1_000_000)


def test_five_megabytes() -> None:
    row = {"id": 1, "url": "https://fal.media/{}.png", "vector": [0.25] * 40, "text": 'a "fox"\n' * 5}
    raw = "[" + ",".join(json.dumps(row).replace("{}", str(n % 500)) for n in range(14_000)) + "]"
    assert len(raw) > 5 * 10**6

    done, found = exchanging.rewritten(raw)

    assert len(found) == 14_000
    assert exchanging.rewritten(done) == (done, [])


def test_members_of_an_object() -> None:
    text = ' { "a" : [1, {"b": "}"}] , "\\u0062":"x" } '
    assert {name: text[slice(*span)] for name, span in jsontext.members(text).items()} == {
        "a": '[1, {"b": "}"}]',
        "b": '"x"',
    }
    assert jsontext.members("{ }") == {}
    for wrong in ("[]", "{", '{"a":1', '{"a":1,}', "{} x", '{"a":1,"a":2}', '{"a" 1}', "{]"):
        with pytest.raises(jsontext.NotJson):
            jsontext.members(wrong)
