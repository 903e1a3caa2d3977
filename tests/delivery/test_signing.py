"""A signature opens one item in one form until one time, and nothing else."""

import base64
import datetime
import hashlib
import urllib.parse
import uuid

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ambrotype.core import errors, ids
from ambrotype.delivery import signing
from tests.delivery import samples

NOW = datetime.datetime(2026, 3, 1, 12, 30, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
ITEM = ids.new()
PARAMS = {"w": "400", "fit": "cover", "download": "1", "share": "s1"}


def signed(params=PARAMS, *, keys=samples.KEYS, expires_at=NOW + HOUR):
    return dict(
        urllib.parse.parse_qsl(signing.sign(ITEM, params, expires_at=expires_at, keys=keys), keep_blank_values=True)
    )


def verify(query, *, media_id=ITEM, keys=samples.KEYS, now=NOW):
    return signing.verify(media_id, query, keys=keys, now=now)


def test_a_signed_url_opens_its_item_until_it_ends():
    grant = verify(signed())
    assert grant == signing.Grant(expires_at=NOW + HOUR * 1.5, share="s1")
    assert verify(signed(), now=grant.expires_at - datetime.timedelta(seconds=1)) == grant
    with pytest.raises(errors.InvalidSignature, match="ran out at 2026-03-01 14:00"):
        verify(signed(), now=grant.expires_at)


def test_urls_signed_within_an_hour_are_the_same():
    assert signed(expires_at=NOW + HOUR) == signed(expires_at=NOW + HOUR * 1.4)
    assert signed(expires_at=NOW + HOUR) != signed(expires_at=NOW + HOUR * 2)
    whole = datetime.datetime(2026, 3, 1, 14, tzinfo=datetime.UTC)
    assert verify(signed(expires_at=whole)).expires_at == whole


def test_a_query_without_signature_grants_nothing():
    assert verify({"w": "400"}) is None


@pytest.mark.parametrize("name", [*signing.COVERED, "exp", "kid", "sig"])
def test_no_covered_parameter_can_be_changed_added_or_dropped(name):
    good = signed()
    moved = [good | {name: "2"}, good | {name: ""}]
    if name in good and name != "sig":
        moved.append({key: value for key, value in good.items() if key != name})
    for query in moved:
        with pytest.raises(errors.InvalidSignature, match="changed"):
            verify(query)


def test_a_signature_opens_no_other_item():
    with pytest.raises(errors.InvalidSignature, match="changed"):
        verify(signed(), media_id=ids.new())


def test_a_later_end_needs_a_new_signature():
    good = signed()
    with pytest.raises(errors.InvalidSignature, match="changed"):
        verify(good | {"exp": str(int(good["exp"]) + 3600)})


@pytest.mark.parametrize("exp", ["0" + str(2**31), " 1", "1e9", "-1", "9" * 40, "٣", ""])
def test_an_end_that_is_not_plain_digits_is_refused_even_when_signed(exp):
    query = {"exp": exp, "kid": "new"}
    query["sig"] = signing._signature(ITEM, query, samples.KEYS[0])
    with pytest.raises(errors.InvalidSignature):
        verify(query)


def test_parameters_that_mean_nothing_here_are_not_covered():
    assert verify(signed() | {"utm_source": "mail"}) is not None


def test_every_key_verifies_and_a_dropped_one_no_longer_does():
    new, old = samples.KEYS
    by_old = signed(keys=(old,))
    assert by_old["kid"] == "old"
    assert verify(by_old, keys=(new, old)) is not None
    with pytest.raises(errors.InvalidSignature):
        verify(by_old, keys=(new,))
    with pytest.raises(errors.InvalidSignature):
        verify(by_old | {"kid": "new"})


@given(
    one=st.dictionaries(st.sampled_from(signing.COVERED), st.text(max_size=8)),
    other=st.dictionaries(st.sampled_from(signing.COVERED), st.text(max_size=8)),
)
def test_different_parameters_never_have_the_same_message(one, other):
    assume(one != other)
    try:
        assert signing.message(ITEM, one) != signing.message(ITEM, other)
    except UnicodeEncodeError:
        assume(False)


@given(params=st.dictionaries(st.sampled_from(signing.COVERED), st.text(st.characters(codec="utf-8"), max_size=8)))
def test_a_query_string_survives_being_parsed(params):
    assert verify(signed(params)) is not None


def test_only_covered_parameters_can_be_signed():
    with pytest.raises(ValueError, match="utm"):
        signing.sign(ITEM, {"utm": "1"}, expires_at=NOW, keys=samples.KEYS)


def test_the_message_is_as_documented():
    item = uuid.UUID("01890a5d-ac96-774b-bcce-b302099a8057")
    query = {"download": "1", "exp": "1767225600", "kid": "k1", "fit": "a b\n", "sig": "x", "other": "y"}
    assert signing.message(item, query) == (f"download=1\nexp=1767225600\nfit=a%20b%0A\nid={item}\nkid=k1")


@pytest.mark.parametrize("length", [16, 64, 65, 200])
def test_the_signature_can_be_made_from_sha256_alone(length):
    key = signing.Key("k", bytes(range(length)))
    query = signed({}, keys=(key,))
    inner, outer = signing.pads(key)
    message = signing.message(ITEM, query).encode()
    digest = hashlib.sha256(outer + hashlib.sha256(inner + message).digest()).digest()
    assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == query["sig"]


def test_a_key_does_not_show_its_secret():
    assert "nnn" not in repr(samples.KEYS[0])
