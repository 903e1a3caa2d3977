"""Transactions. Each one runs as somebody: a principal under its policies, or the worker."""

import contextlib
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Literal, LiteralString, Protocol

import orjson
import psycopg
import psycopg.sql
import psycopg_pool
from psycopg import rows

from ambrotype.core import errors, owners

Row = dict[str, Any]
Statement = LiteralString | psycopg.sql.SQL | psycopg.sql.Composed
WORKER: Literal["worker"] = "worker"
NOBODY: Literal["nobody"] = "nobody"
Who = owners.Principal | Literal["worker", "nobody"]
"""As whom a transaction runs. Nobody owns nothing; what is reached by address alone is reached as nobody."""

_BECOME: Final = psycopg.sql.SQL("select set_config('role', {}, true), set_config('request.jwt.claims', {}, true)")
# A process that is stopped in the middle (a paused machine, a cut network) keeps its locks, but not for ever. The
# longest silence of a transaction that is well is the taking in of an upload.
_BEGIN: Final = b"begin; set local idle_in_transaction_session_timeout = '5min';"


class Reader(Protocol):
    """What a single lookup needs: a transaction, or `Database.lookup`, which takes one round trip."""

    async def one(self, sql: LiteralString, **values: object) -> Row | None:
        """The first row, or None."""
        ...


def claims(who: owners.Principal) -> dict[str, str]:
    """The claims that the row policies read; PostgREST sets the same ones."""
    owner = who.owner or owners.SERVICE
    return {"sub": owner.subject, "role": who.role, "ambrotype_app": who.app, "ambrotype_kind": owner.kind}


class Transaction:
    """Statements of one transaction. Values are bound as `%(name)s`; rows come back as dicts."""

    def __init__(self, connection: psycopg.AsyncConnection[Row]) -> None:
        self.connection = connection

    async def run(self, sql: Statement, **values: object) -> int:
        """Runs a statement; how many rows it touched."""
        cursor = await self.connection.execute(sql, values)
        return cursor.rowcount

    async def one(self, sql: Statement, **values: object) -> Row | None:
        """The first row, or None."""
        cursor = await self.connection.execute(sql, values)
        return await cursor.fetchone()

    async def all(self, sql: Statement, **values: object) -> list[Row]:
        """All rows."""
        cursor = await self.connection.execute(sql, values)
        return await cursor.fetchall()

    async def become(self, who: Who) -> None:
        """Goes on in the same transaction as somebody else: what was accepted as a caller is recorded as the worker."""
        await self.connection.execute(_becoming(*_identity(who)), prepare=False)


class Lookup:
    """Made by `Database.lookup`: each statement is a transaction of its own."""

    def __init__(self, data: "Database", who: Who) -> None:
        self._data = data
        self._who = who

    async def one(self, sql: LiteralString, **values: object) -> Row | None:
        """The first row, or None."""
        with contextlib.suppress(psycopg.OperationalError, psycopg_pool.PoolTimeout):
            return await self._data.at_once(self._who, sql, values)
        # A connection that had died unnoticed: what a transaction does about that helps here too.
        async with self._data.transaction(self._who) as tx:
            return await tx.one(sql, **values)


class Database:
    """A pool of connections to one database. `revive` is called when it does not answer, before a second try."""

    def __init__(
        self,
        conninfo: str,
        *,
        size: int = 10,
        pooler: bool = False,
        revive: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        async def configure(connection: psycopg.AsyncConnection[Row]) -> None:
            if pooler:  # prepared statements of one client clash with another's behind a transaction pooler
                connection.prepare_threshold = None

        self._revive = revive
        self._pool: psycopg_pool.AsyncConnectionPool[psycopg.AsyncConnection[Row]] = psycopg_pool.AsyncConnectionPool(
            conninfo,
            min_size=1,
            max_size=size,
            open=False,
            timeout=10,
            kwargs={"autocommit": True, "row_factory": rows.dict_row, "connect_timeout": 10},
            configure=configure,
            reconnect_timeout=5,
        )

    async def open(self) -> None:
        """Opens the first connection; `errors.Unavailable` if the database does not answer."""
        try:
            await self._pool.open(wait=True, timeout=30)
        except (psycopg.OperationalError, psycopg_pool.PoolTimeout) as problem:
            raise errors.Unavailable(f"The database does not answer: {_first_line(problem)}") from problem

    async def close(self) -> None:
        """Closes all connections."""
        await self._pool.close()

    @contextlib.asynccontextmanager
    async def transaction(self, who: Who, *, opening: LiteralString = "") -> AsyncIterator[Transaction]:
        """One transaction as `who`. Commits at the end of the block, rolls back on any error.

        `opening` are statements to begin with, in the same round trip.

        A connection that has died unnoticed (the server was restarted) shows before the block begins and is replaced;
        one that dies inside of it is `errors.Unavailable`, and nothing of the block is committed for sure.
        """
        try:
            async with contextlib.AsyncExitStack() as stack:
                connection = await self._begin(stack, who, opening)
                yield Transaction(connection)
        except psycopg.errors.InvalidAuthorizationSpecification as problem:
            raise errors.Unauthenticated("This guest was linked to a user just now; sign in as that user.") from problem
        except (psycopg.OperationalError, psycopg.errors.IdleInTransactionSessionTimeout) as problem:
            if isinstance(problem, (psycopg.errors.DeadlockDetected, psycopg.errors.LockNotAvailable)):
                raise
            raise errors.Unavailable(
                f"The database does not answer: {_first_line(problem)}", retry_after=2
            ) from problem

    def lookup(self, who: Who) -> Lookup:
        """For one statement as `who` in one round trip. It may run a second time where the connection breaks."""
        return Lookup(self, who)

    async def at_once(self, who: Who, sql: LiteralString, values: Mapping[str, object]) -> Row | None:
        """One statement as `who`; the first row of its result."""
        async with self._pool.connection() as connection:
            # Two statements in one message are one transaction (PostgreSQL's manual, 54.2.2.1, "Multiple Statements").
            cursor = psycopg.AsyncClientCursor(connection)
            await cursor.execute(
                _becoming(*_identity(who)) + b";" + cursor.mogrify(sql, values).encode(), prepare=False
            )
            cursor.nextset()
            return await cursor.fetchone()

    async def _begin(
        self, stack: contextlib.AsyncExitStack, who: Who, opening: LiteralString
    ) -> psycopg.AsyncConnection[Row]:
        role, claimed = _identity(who)
        timeouts = 0
        for attempt in range(12):  # as many as can lie dead in the pool, and one
            attempt_stack = contextlib.AsyncExitStack()
            try:
                connection = await attempt_stack.enter_async_context(self._pool.connection())
                # The pool's context commits, or rolls back on an error.
                begin = _BEGIN + _becoming(role, claimed) + b";" + opening.encode()
                await connection.execute(begin, prepare=False)
            except BaseException as problem:
                # Also for a cancellation: the connection has to go back.
                with contextlib.suppress(psycopg.Error):
                    await attempt_stack.__aexit__(type(problem), problem, problem.__traceback__)
                if not isinstance(problem, (psycopg.OperationalError, psycopg_pool.PoolTimeout)):
                    raise
                # A pool that gave all its connections up would never notice that the server has to be started again.
                timeouts += isinstance(problem, psycopg_pool.PoolTimeout)
                if attempt == 11 or timeouts == 2:
                    raise
                if self._revive is not None:
                    await self._revive()
                continue
            stack.push_async_exit(attempt_stack)
            return connection
        raise AssertionError("unreachable")

    async def retrying(self, who: Who, work: Callable[[Transaction], Awaitable[Any]]) -> Any:
        """Runs `work` in a transaction, again where it lost a deadlock: `work` has no effect outside of it."""
        for _ in range(5):
            try:
                async with self.transaction(who) as tx:
                    return await work(tx)
            except psycopg.errors.DeadlockDetected:
                continue
        raise errors.Unavailable("Too many callers change the same items at once; try again.", retry_after=1)


def _identity(who: Who) -> tuple[str, str]:
    """The role and the claims of a transaction."""
    role, claimed = "ambrotype_app", "{}"
    if who == WORKER:
        role = "ambrotype_worker"
    elif isinstance(who, owners.Principal):
        role = "ambrotype_service" if who.administrator else "ambrotype_app"
        claimed = orjson.dumps(claims(who)).decode()
    return role, claimed


@functools.lru_cache(maxsize=4096)
def _becoming(role: str, claimed: str) -> bytes:
    """The statement that makes the transaction theirs. Literals of their own: a message of several statements has no
    parameters, and one made anew each time costs as much as the round trip that it saves.
    """
    return _BECOME.format(psycopg.sql.Literal(role), psycopg.sql.Literal(claimed)).as_bytes(None)


def _first_line(problem: BaseException) -> str:
    return (str(problem).strip().splitlines() or [type(problem).__name__])[0][:300]


def json(value: Mapping[str, Any] | Sequence[Any] | None) -> str | None:
    """A JSON parameter."""
    return None if value is None else orjson.dumps(value, option=orjson.OPT_UTC_Z).decode()
