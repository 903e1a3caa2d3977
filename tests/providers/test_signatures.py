"""Signed webhooks: genuine, forged, old, from the future, repeated, with several signatures, malformed."""

import base64
import dataclasses
import datetime
from collections.abc import Callable

import hypothesis
import pytest
import standardwebhooks
from cryptography.hazmat.primitives.asymmetric import ed25519
from hypothesis import strategies

from ambrotype.providers import contract, signatures
from tests.providers import signing

BODY = '{"id": "é", "status":  "OK"}'.encode()
Check = tuple[Callable[[contract.Hook, list[bytes]], bool], contract.Hook, list[bytes]]
CHECKS: dict[str, Check] = {
    "standard": (signatures.standard, signing.standard(BODY), [signing.STANDARD.encode()]),
    "wavespeed": (signatures.wavespeed, signing.wavespeed(BODY), [b"whsec_not+base64=at_all"]),
    "fal": (signatures.fal, signing.fal(BODY), [signing.FAL_PUBLIC]),
}
every = pytest.mark.parametrize("name", sorted(CHECKS))


def later(hook: contract.Hook, seconds: float) -> contract.Hook:
    return dataclasses.replace(hook, now=hook.now + datetime.timedelta(seconds=seconds))


def headed(hook: contract.Hook, **changed: str | None) -> contract.Hook:
    """With other headers: by the end of their names."""
    headers = dict(hook.headers)
    for ending, value in changed.items():
        name = next(name for name in headers if name.endswith(ending.replace("_", "-")))
        headers.pop(name) if value is None else headers.update({name: value})
    return dataclasses.replace(hook, headers=headers)


@every
def test_a_genuine_message_holds_for_five_minutes_either_way(name: str) -> None:
    check, hook, secrets = CHECKS[name]
    assert check(hook, secrets)
    assert check(later(hook, 300), secrets)
    assert check(later(hook, -300), secrets)
    assert not check(later(hook, 301), secrets)
    assert not check(later(hook, -301), secrets)


@every
def test_a_time_that_was_changed_breaks_the_signature(name: str) -> None:
    check, hook, secrets = CHECKS[name]
    assert not check(headed(later(hook, 3600), timestamp=str(int(signing.MOMENT) + 3600)), secrets)
    for moment in (
        "",
        "now",
        "-1",
        "1e9",
        "17951760000000000000000",
        f"{signing.MOMENT}.0",
        f"{signing.MOMENT}, {signing.MOMENT}",
        f"{signing.MOMENT}000",
        "١٧٩٥١٧٦٠٠٠",
    ):
        assert not check(headed(hook, timestamp=moment), secrets)


@every
def test_every_part_is_needed_and_signed(name: str) -> None:
    check, hook, secrets = CHECKS[name]
    for header in hook.headers:
        assert not check(headed(hook, **{header: None}), secrets)
        assert not check(headed(hook, **{header: ""}), secrets)
    assert not check(dataclasses.replace(hook, body=BODY + b" "), secrets)
    assert not check(dataclasses.replace(hook, body=BODY.replace(b"  ", b" ")), secrets)
    assert not check(headed(hook, id="msg_other"), secrets)


@every
def test_another_secret_does_not_do_and_one_of_several_does(name: str) -> None:
    check, hook, secrets = CHECKS[name]
    others = [b"whsec_b3RoZXI=", b"", b"whsec_", b"\xff\xfe", b"x" * 32]
    assert not check(hook, others)
    assert not check(hook, [])
    assert check(hook, [*others, *secrets])


@every
@hypothesis.given(text=strategies.text(max_size=60))
@hypothesis.settings(max_examples=60, deadline=None)
def test_a_malformed_signature_is_none(name: str, text: str) -> None:
    check, hook, secrets = CHECKS[name]
    for signature in (text, f"v1,{text}", f"v3,{text}", f"v1,{text} v3,{text}"):
        assert not check(headed(hook, signature=signature), secrets)


@pytest.mark.parametrize("name", ["standard", "wavespeed"])
def test_one_of_several_signatures_is_enough_and_other_versions_count_for_nothing(name: str) -> None:
    check, hook, secrets = CHECKS[name]
    right = hook.headers["webhook-signature"]
    version, _, signature = right.partition(",")
    assert check(headed(hook, signature=f"v9,zzz {version},AAAA {right}"), secrets)
    assert not check(headed(hook, signature=f"v9,{signature}"), secrets)
    assert not check(headed(hook, signature=signature), secrets)
    assert not check(headed(hook, signature=" ".join([f"{version},AAAA"] * 5000 + [right])), secrets)


def test_the_reference_library_agrees() -> None:
    moment = datetime.datetime.fromtimestamp(int(signing.MOMENT), datetime.UTC)
    signature = standardwebhooks.Webhook(signing.STANDARD).sign("msg_1", moment, BODY.decode())
    headers = {"webhook-id": "msg_1", "webhook-timestamp": signing.MOMENT, "webhook-signature": signature}
    assert signatures.standard(contract.Hook(headers=headers, body=BODY, now=signing.NOW), [signing.STANDARD.encode()])


@pytest.mark.parametrize("raw", [b"\xfb\xff\xfe" * 8, b"plain", bytes(range(31))])
def test_a_secret_is_base64_behind_its_first_underscore_or_raw(raw: bytes) -> None:
    hook = signing.standard(BODY, key=raw)
    for coded in (base64.b64encode(raw), base64.urlsafe_b64encode(raw), base64.b64encode(raw).rstrip(b"=")):
        assert signatures.standard(hook, [b"whsec_" + coded])
    bare = signing.standard(BODY, key=b"no prefix_at all")
    assert signatures.standard(bare, [b"no prefix_at all"])
    assert not signatures.standard(bare, [b"whsec_no prefix_at all"])


def test_a_body_that_is_no_text_is_no_standard_webhook_and_no_crash() -> None:
    assert not signatures.standard(signing.standard(b"\xff\xfe"), [signing.STANDARD.encode()])
    assert signatures.wavespeed(signing.wavespeed(b"\xff\xfe"), [b"whsec_not+base64=at_all"])
    assert signatures.fal(signing.fal(b"\xff\xfe"), [signing.FAL_PUBLIC])


def test_any_of_fals_keys_may_have_signed() -> None:
    other = ed25519.Ed25519PrivateKey.generate()
    hook = signing.fal(BODY, key=other)
    assert not signatures.fal(hook, [signing.FAL_PUBLIC])
    assert signatures.fal(hook, [signing.FAL_PUBLIC, b"short", other.public_key().public_bytes_raw()])
    assert signatures.fal(
        headed(hook, signature=hook.headers["x-fal-webhook-signature"].upper()), [other.public_key().public_bytes_raw()]
    )
