"""What SQL needs to compose URLs (`media_url`): one row, written by whoever serves."""

from ambrotype.records import database


async def write(tx: database.Transaction, *, public_url: str, kid: str, inner: bytes, outer: bytes) -> None:
    """Writes where the server is reached, and the halves of the signing key that HMAC from `sha256()` takes."""
    await tx.run(
        "insert into ambrotype.instance (public_url, kid, inner_pad, outer_pad)"
        " values (%(url)s, %(kid)s, %(inner)s, %(outer)s) on conflict (one) do update set public_url = excluded.public_url,"
        " kid = excluded.kid, inner_pad = excluded.inner_pad, outer_pad = excluded.outer_pad, written_at = now()"
        " where (instance.public_url, instance.kid, instance.inner_pad)"
        "   is distinct from (excluded.public_url, excluded.kid, excluded.inner_pad)",
        url=public_url,
        kid=kid,
        inner=inner,
        outer=outer,
    )
