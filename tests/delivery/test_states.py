"""Who gets what in which state: the whole table."""

import dataclasses
import datetime

import pytest

from ambrotype.core import errors
from ambrotype.delivery import decision, request, signing
from tests.delivery import samples

GONE_AT = datetime.datetime(2026, 4, 1, tzinfo=datetime.UTC)
SIGNED = decision.Access(grant=signing.Grant(expires_at=GONE_AT, share=None))
WRONG = decision.Access(refused=errors.InvalidSignature("This signed URL was changed."))
NOBODY = decision.Access()

# who asks: (the item's `mine` and visibility, what came with the request)
WHO = {
    "owner": ({"mine": True, "visibility": "private"}, NOBODY),
    "owner, wrong signature": ({"mine": True, "visibility": "private"}, WRONG),
    "signed": ({"visibility": "private"}, SIGNED),
    "anyone, public": ({"visibility": "public"}, NOBODY),
    "anyone, unlisted": ({"visibility": "unlisted"}, NOBODY),
    "anyone, unlisted, wrong signature": ({"visibility": "unlisted"}, WRONG),
    "stranger": ({"visibility": "private"}, NOBODY),
    "wrong signature": ({"visibility": "private"}, WRONG),
}
STATES = {
    "kept": samples.kept(),
    "kept, trashed": samples.kept(deleted_at=GONE_AT),
    "staged": samples.kept(status="temporary", kept_at=None, source_url=None),
    "keeping": samples.row(status="keeping"),
    "keeping, waited": samples.row(status="keeping"),
    "keeping, waited, secret source": samples.row(status="keeping", source_allowed=False),
    "temporary": samples.row(),
    "temporary, secret source": samples.row(source_allowed=False),
    "temporary, no source": samples.row(source_url=None),
    "lost": samples.row(status="lost", lost_code="source_expired", lost_detail="provider.example said 403"),
    "expired": samples.row(status="expired"),
    "tombstone": samples.row(status="tombstone", gone_reason="purged", gone_at=GONE_AT, deleted_at=GONE_AT),
}
OTHERS = ("signed", "anyone, public", "anyone, unlisted", "anyone, unlisted, wrong signature")
OWNERS = ("owner", "owner, wrong signature")

# state: (what its owner gets, what others with a right get)
TABLE = {
    "kept": ("serve", "serve"),
    "kept, trashed": ("serve", "not_found"),
    "staged": ("serve", "serve"),
    "keeping": ("wait", "wait"),
    "keeping, waited": ("307", "unavailable"),
    "keeping, waited, secret source": ("unavailable", "unavailable"),
    "temporary": ("307", "unavailable"),
    "temporary, secret source": ("unavailable", "unavailable"),
    "temporary, no source": ("unavailable", "unavailable"),
    "lost": ("gone", "gone"),
    "expired": ("gone", "gone"),
    "tombstone": ("gone", "gone"),
}


def asking(query=None):
    return request.Request(method="GET", headers={}, query=query or {})


def admit(state, who, query=None):
    changes, access = WHO[who]
    found = dataclasses.replace(STATES[state], **changes)
    return decision.admit(found, asking(query), access, waited="waited" in state)


def outcome(state, who):
    try:
        decided = admit(state, who)
    except errors.AmbrotypeError as error:
        return error.code
    return {decision.Serve: "serve", decision.Wait: "wait", decision.Redirect: "307"}[type(decided)]


@pytest.mark.parametrize("state", TABLE)
def test_every_state_for_everyone(state):
    owner, other = TABLE[state]
    expected = dict.fromkeys(OWNERS, owner) | dict.fromkeys(OTHERS, other)
    expected |= {"stranger": "not_found", "wrong signature": "invalid_signature"}
    assert {who: outcome(state, who) for who in WHO} == expected


@pytest.mark.parametrize("access", [NOBODY, WRONG])
def test_an_unknown_item_can_not_be_told_from_a_hidden_one(access):
    said = []
    for found in (None, samples.kept(visibility="private"), samples.row(status="lost")):
        with pytest.raises((errors.NotFound, errors.InvalidSignature)) as refused:
            decision.admit(found, asking(), access, waited=False)
        said.append((refused.value.code, str(refused.value)))
    assert len(set(said)) == 1


def test_the_redirect_to_the_source_is_neither_stored_nor_told_the_referrer():
    headers = dict(admit("temporary", "owner").headers)
    assert headers[b"location"] == b"https://provider.example/fox.png?token=abc"
    assert headers[b"cache-control"] == b"no-store"
    assert headers[b"referrer-policy"] == b"no-referrer"


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("https://a.example/f%20ö.png?x=ü&y=%2F", b"https://a.example/f%20%C3%B6.png?x=%C3%BC&y=%2F"),
        ("https://a.example/x\r\nSet-Cookie: a=b", b"https://a.example/x%0D%0ASet-Cookie:%20a=b"),
    ],
)
def test_no_source_url_breaks_the_location_header(url, location):
    found = samples.row(mine=True, source_url=url)
    decided = decision.admit(found, asking(), NOBODY, waited=False)
    assert dict(decided.headers)[b"location"] == location


@pytest.mark.parametrize("url", ["file:///etc/passwd", "javascript:alert(1)", "//host/x", "data:text/html,x"])
def test_only_web_sources_are_redirected_to(url):
    with pytest.raises(errors.Unavailable):
        decision.admit(samples.row(mine=True, source_url=url), asking(), NOBODY, waited=False)


def test_a_source_stands_in_for_a_scaled_picture_but_not_for_a_poster():
    picture = samples.row(mine=True)
    video = samples.row(mine=True, kind="video")
    assert isinstance(decision.admit(picture, asking({"w": "400"}), NOBODY, waited=False), decision.Redirect)
    with pytest.raises(errors.Unavailable):
        decision.admit(video, asking({"rendition": "poster"}), NOBODY, waited=False)


def test_why_it_is_gone_is_said_but_only_its_owner_hears_of_the_source():
    said = {}
    for who in ("owner", "anyone, public"):
        for state in ("lost", "expired", "tombstone"):
            with pytest.raises(errors.Gone) as gone:
                admit(state, who)
            said[who, state] = str(gone.value)
    assert "source_expired" in said["anyone, public", "lost"]
    assert "provider.example" not in said["anyone, public", "lost"]
    assert "provider.example" in said["owner", "lost"]
    assert "expired" in said["anyone, public", "expired"]
    assert "2026-04-01 00:00 UTC (purged)" in said["anyone, public", "tombstone"]


def test_a_kept_row_that_does_not_know_its_bytes_is_a_fault_and_not_an_empty_file():
    with pytest.raises(errors.Unavailable):
        decision.admit(samples.kept(path=None), asking(), NOBODY, waited=False)


def test_retrying_is_told_in_seconds():
    for state, seconds in (("keeping, waited", 5), ("temporary", 60)):
        with pytest.raises(errors.Unavailable) as refused:
            admit(state, "anyone, public")
        assert refused.value.retry_after == seconds
