"""The store in S3: the contract against a real server, in both forms of its URL, and what only S3 can get wrong."""

import asyncio
import contextlib
import os
import urllib.error
import urllib.request
import uuid
from collections.abc import AsyncIterator
from typing import Any
from urllib import parse

import aiobotocore.session
import pytest
from aiohttp import web

from ambrotype.core import errors
from ambrotype.storage import contract as seam
from ambrotype.storage import s3
from tests.storage import contract
from tests.support import cable as cables
from tests.support import ceph as servers

KEY = contract.KEY
BUCKET = "pictures"
FORMS = {"folders": f"s3://{BUCKET}/some/prefix", "buckets": "s3://{bucket}"}


SESSION = aiobotocore.session.get_session()


@contextlib.asynccontextmanager
async def client(account: servers.Account) -> AsyncIterator[Any]:
    """The server seen past the store."""
    async with SESSION.create_client(
        "s3",
        endpoint_url=account.endpoint,
        aws_access_key_id=account.access_key,
        aws_secret_access_key=account.secret_key,
        region_name="us-east-1",
    ) as opened:
        yield opened


class S3Subject:
    def __init__(self, url: str, account: servers.Account, cable: cables.Cable) -> None:
        self.url = url
        self.account = account
        self.store: s3.S3 = s3.S3(url)
        self._cable = cable

    async def leftovers(self) -> int:
        async with client(self.account) as past:
            uploads = [await past.list_multipart_uploads(Bucket=bucket) for bucket in await self._buckets(past)]
        began_here = f"{self.url.removeprefix('s3://').partition('/')[2]}/".lstrip("/")
        found = [upload for each in uploads for upload in each.get("Uploads", [])]
        return sum(upload["Key"].startswith(began_here) for upload in found)

    async def _buckets(self, past: Any) -> list[str]:
        return [bucket["Name"] for bucket in (await past.list_buckets())["Buckets"]]

    async def die(self) -> None:
        await self._cable.cut()

    async def revive(self) -> None:
        await self._cable.mend()


@pytest.fixture
def account(ceph: servers.Ceph, monkeypatch: pytest.MonkeyPatch) -> servers.Account:
    account = ceph.account()
    use(account, monkeypatch)
    return account


def use(account: servers.Account, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in account.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")


async def make_bucket(account: servers.Account, name: str = BUCKET) -> None:
    async with client(account) as past:
        await past.create_bucket(Bucket=name)


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def shared(ceph: servers.Ceph) -> servers.Account:
    """An account with a bucket in which each test has a prefix of its own: quicker than a bucket each."""
    account = ceph.account()
    asyncio.run(make_bucket(account))
    return account


@pytest.fixture
async def subject(
    form: str, ceph: servers.Ceph, shared: servers.Account, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[S3Subject]:
    account = ceph.account() if form == "buckets" else shared
    use(account, monkeypatch)
    cable = cables.Cable(ceph.port)
    await cable.mend()
    monkeypatch.setenv("AWS_ENDPOINT_URL", cable.endpoint)
    subject = S3Subject(FORMS[form].replace("prefix", uuid.uuid4().hex), account, cable)
    yield subject
    await subject.store.close()
    await cable.cut()


@pytest.fixture
async def store(account: servers.Account) -> AsyncIterator[s3.S3]:
    """`s3://bucket/prefix`, its bucket made."""
    await make_bucket(account)
    store = s3.S3(FORMS["folders"])
    yield store
    await store.close()


class TestContract(contract.StoreContract):
    @pytest.fixture
    async def subject(self, subject: S3Subject) -> S3Subject:
        return subject


def test_the_powers_of_s3() -> None:
    store = s3.S3("s3://bucket")
    assert isinstance(store, seam.Presigns)
    assert not isinstance(store, seam.OnDisk)


@pytest.mark.parametrize(
    ("url", "bucket", "name"),
    [
        ("s3://pictures/some/prefix", "pictures", "some/prefix/media/a/b"),
        ("s3://pictures/some/prefix/", "pictures", "some/prefix/media/a/b"),
        ("s3://pictures", "pictures", "media/a/b"),
        ("s3://{bucket}", "media", "a/b"),
    ],
)
async def test_where_objects_lie(account: servers.Account, url: str, bucket: str, name: str) -> None:
    await make_bucket(account)
    store = s3.S3(url)
    await contract.put(store, seam.Key("media", "a/b"), b"fox")
    async with client(account) as past:
        found = await past.head_object(Bucket=bucket, Key=name)
    assert found["ContentLength"] == 3
    assert found["ContentType"] == "image/png"
    await store.close()


@pytest.mark.parametrize("size", [1, 20 * contract.MIB])
async def test_the_type_is_kept(store: s3.S3, account: servers.Account, size: int) -> None:
    await contract.put(store, KEY, contract.content(size))
    async with client(account) as past:
        found = await past.head_object(Bucket=BUCKET, Key=f"some/prefix/{KEY}")
    assert found["ContentType"] == "image/png"


@pytest.mark.parametrize("url", ["s3://", "s3://{bucket}/x", "s3://a{bucket}", "s3:///x", "s3://b/../c", "s3://b//c"])
def test_other_forms_are_refused(url: str) -> None:
    with pytest.raises(errors.InvalidSetting, match="AMBROTYPE_STORE_URL"):
        s3.S3(url)


async def test_buckets_that_are_made_are_private(account: servers.Account) -> None:
    store = s3.S3("s3://{bucket}")
    await contract.put(store, KEY, b"x")
    await store.close()
    async with client(account) as past:
        assert [bucket["Name"] for bucket in (await past.list_buckets())["Buckets"]] == [KEY.bucket]
        grants = (await past.get_bucket_acl(Bucket=KEY.bucket))["Grants"]
    assert [grant["Grantee"]["Type"] for grant in grants] == ["CanonicalUser"]


async def test_folders_made_by_others_are_not_listed(store: s3.S3, account: servers.Account) -> None:
    await contract.put(store, KEY, b"x")
    async with client(account) as past:
        await past.put_object(Bucket=BUCKET, Key="some/prefix/media/folder/", Body=b"")
    assert await contract.listed(store, "media") == {KEY.path}


async def test_a_missing_bucket_is_not_a_missing_object(account: servers.Account) -> None:
    store = s3.S3("s3://nowhere/prefix")
    for call in (
        store.head(KEY),
        contract.read(store, KEY),
        contract.listed(store, "media"),
        store.delete(KEY),
        contract.put(store, KEY, b"x"),
        contract.put(store, KEY, contract.content(9 * contract.MIB)),
        store.check(),
        store.sweep(0),
    ):
        with pytest.raises(errors.StoreUnavailable, match="has no bucket 'nowhere'"):
            await call
    await store.close()


async def test_a_bucket_that_is_no_name_for_s3_is_refused(account: servers.Account) -> None:
    store = s3.S3("s3://{bucket}")
    with pytest.raises(errors.InvalidRequest):
        await contract.put(store, seam.Key("bücket name", "a"), b"x")
    await store.close()


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("AWS_SECRET_ACCESS_KEY", "wrong", "does not accept the credentials.*SignatureDoesNotMatch"),
        ("AWS_ACCESS_KEY_ID", "stranger", "does not accept the credentials.*InvalidAccessKeyId"),
        ("AWS_ACCESS_KEY_ID", None, "No credentials for the S3 store"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1", "does not answer"),
    ],
)
async def test_each_cause_has_its_sentence(
    store: s3.S3,
    account: servers.Account,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str | None,
    sentence: str,
) -> None:
    if value is None:
        monkeypatch.delenv(name)
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    else:
        monkeypatch.setenv(name, value)
    for call in (contract.put(store, KEY, b"x"), contract.read(store, KEY)):
        with pytest.raises(errors.StoreUnavailable, match=sentence) as caught:
            await call
        assert account.access_key not in str(caught.value)
        assert account.secret_key not in str(caught.value)


async def test_somebody_elses_bucket_is_denied(ceph: servers.Ceph, monkeypatch: pytest.MonkeyPatch) -> None:
    await make_bucket(ceph.account(tenant="shared"))
    use(ceph.account(tenant="shared"), monkeypatch)
    for url in (f"s3://{BUCKET}", "s3://{bucket}"):
        store = s3.S3(url)
        with pytest.raises(errors.StoreUnavailable, match=f"denies .* on bucket '{BUCKET}'"):
            await contract.put(store, seam.Key(BUCKET, "a"), b"x")
        await store.close()


@pytest.mark.parametrize(
    ("status", "code", "sentence"),
    [
        (503, "SlowDown", "too busy"),
        (500, "InternalError", "failed with status 500"),
        (507, "InsufficientStorage", "is full"),
        (403, "QuotaExceeded", "is full"),
        (403, "RequestTimeTooSkewed", "clock is wrong"),
    ],
)
async def test_what_a_server_in_trouble_says(
    monkeypatch: pytest.MonkeyPatch, status: int, code: str, sentence: str
) -> None:
    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(status=status, text=f"<Error><Code>{code}</Code></Error>")

    async with pretending(answer, monkeypatch) as store:
        with pytest.raises(errors.StoreUnavailable, match=sentence):
            await contract.put(store, KEY, b"x")


async def test_a_download_that_breaks_off_is_not_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"half")
        assert request.transport is not None
        request.transport.close()
        return response

    async with pretending(answer, monkeypatch) as store:
        with pytest.raises(errors.StoreUnavailable, match="does not answer"):
            await contract.read(store, KEY)


@contextlib.asynccontextmanager
async def pretending(answer: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[s3.S3]:
    """A store whose server gives one answer to everything: failures that a real one has at its own time only."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    use(servers.Account(endpoint=f"http://127.0.0.1:{port}", access_key="key", secret_key="secret"), monkeypatch)
    store = s3.S3(f"s3://{BUCKET}")
    try:
        yield store
    finally:
        await store.close()
        await runner.cleanup()


async def test_bytes_damaged_on_the_way_are_refused_by_the_server(account: servers.Account) -> None:
    """The server's side of the checksum that each put and part carries."""
    await make_bucket(account)
    async with client(account) as past:
        with pytest.raises(past.exceptions.ClientError, match="BadDigest"):
            await past.put_object(Bucket=BUCKET, Key="x", Body=b"x", ContentMD5="1B2M2Y8AsgTpgAmY7PhCfg==")


async def begin(past: Any, name: str) -> str:
    upload = await past.create_multipart_upload(Bucket=BUCKET, Key=name)
    return str(upload["UploadId"])


async def test_sweep_takes_old_uploads_under_the_prefix_only(store: s3.S3, account: servers.Account) -> None:
    async with client(account) as past:
        await begin(past, "some/prefix/media/a")
        foreign = await begin(past, "elsewhere/a")
        await asyncio.sleep(1.1)
        assert await store.sweep(3600) == 0
        assert await store.sweep(0) == 1
        left = (await past.list_multipart_uploads(Bucket=BUCKET))["Uploads"]
    assert [upload["UploadId"] for upload in left] == [foreign]


async def test_sweep_spares_an_upload_that_still_grows(store: s3.S3, account: servers.Account) -> None:
    async with client(account) as past:
        name = "some/prefix/media/a"
        upload = await begin(past, name)
        await asyncio.sleep(5)
        await past.upload_part(Bucket=BUCKET, Key=name, UploadId=upload, PartNumber=1, Body=b"x")
        assert await store.sweep(4) == 0
        await asyncio.sleep(1.1)
        assert await store.sweep(0) == 1


async def test_sweep_of_own_buckets_stays_in_those_it_used(account: servers.Account) -> None:
    await make_bucket(account)
    store = s3.S3("s3://{bucket}")
    async with client(account) as past:
        await begin(past, "somebody/elses")
        await asyncio.sleep(1.1)
        assert await store.sweep(0) == 0
        await store.head(seam.Key(BUCKET, "x"))
        assert await store.sweep(0) == 1
    await store.close()


async def fetch(url: str) -> tuple[int, Any, bytes]:
    def get() -> tuple[int, Any, bytes]:
        try:
            with urllib.request.urlopen(url) as response:
                return response.status, response.headers, response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read()

    return await asyncio.to_thread(get)


async def test_presigned_urls_bind_type_and_name(store: s3.S3) -> None:
    name = "attachment; filename*=UTF-8''f%C3%BCchse.png"
    await contract.put(store, KEY, b"fox")
    url = await store.presign(KEY, expires_in=60, content_type="image/webp", disposition=name)
    status, headers, body = await fetch(url)
    assert (status, body) == (200, b"fox")
    assert headers["Content-Type"] == "image/webp"
    assert headers["Content-Disposition"] == name
    assert (await fetch(url.replace("image%2Fwebp", "text%2Fhtml")))[0] == 403
    assert (await fetch(parse.urlsplit(url)._replace(query="").geturl()))[0] in {403, 404}


async def test_presigned_urls_end(store: s3.S3) -> None:
    await contract.put(store, KEY, b"fox")
    url = await store.presign(KEY, expires_in=1, content_type="image/png", disposition="inline")
    await asyncio.sleep(2.1)
    assert (await fetch(url))[0] == 403


@pytest.mark.parametrize("expires_in", [0, -1, s3.MAX_PRESIGN + 1])
async def test_presigned_urls_live_for_seven_days_at_most(store: s3.S3, expires_in: int) -> None:
    with pytest.raises(errors.InvalidRequest, match="presigned"):
        await store.presign(KEY, expires_in=expires_in, content_type="image/png", disposition="inline")
