"""As whom a transaction runs arrives in the database letter by letter, whatever is in it."""

import json

import pytest

from ambrotype.core import owners
from ambrotype.records import database

SUBJECTS = ["'", "\\", "\\'; select 1 --", "''", "E'\\''", "%(x)s", "%", "{}", "ä😀", '"', "\x00", "\x1f\x7f", "$$"]


@pytest.mark.parametrize("subject", SUBJECTS)
async def test_a_subject_arrives_as_it_is(data: database.Database, subject: str) -> None:
    who = owners.Principal(role="user", owner=owners.Owner(kind="user", subject=subject))
    asked = "select current_setting('request.jwt.claims') as claims, current_user::text as role, %(x)s as x"
    async with data.transaction(who) as tx:
        whole = await tx.one(asked, x=subject.replace("\x00", ""))
    quick = await data.lookup(who).one(asked, x=subject.replace("\x00", ""))
    assert whole == quick
    assert whole is not None
    assert json.loads(whole["claims"])["sub"] == subject
    assert (whole["role"], whole["x"]) == ("ambrotype_app", subject.replace("\x00", ""))
