"""Only public addresses are reached, whichever way a private one is spelt or looked up."""

import asyncio
import ipaddress
import random

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ambrotype.capture import fetch, network, urls
from ambrotype.core import errors
from tests.capture import sources

# What a literal host may look like, and the address that it means.
PRIVATE = [
    ("127.0.0.1", "127.0.0.1"),
    ("127.1", "127.0.0.1"),
    ("0x7f.1", "127.0.0.1"),
    ("0X7F000001", "127.0.0.1"),
    ("2130706433", "127.0.0.1"),
    ("017700000001", "127.0.0.1"),
    ("0177.0.0.01", "127.0.0.1"),
    ("127.0.0.1.", "127.0.0.1"),
    ("１２７.０.０.１", "127.0.0.1"),
    ("①②⑦.⓪.⓪.①", "127.0.0.1"),
    ("127。0。0。1", "127.0.0.1"),
    ("0", "0.0.0.0"),
    ("0.0.0.0", "0.0.0.0"),
    ("0.1.2.3", "0.1.2.3"),
    ("10.0.0.1", "10.0.0.1"),
    ("100.64.0.1", "100.64.0.1"),
    ("100.100.100.200", "100.100.100.200"),
    ("168.63.129.16", "168.63.129.16"),
    ("169.254.169.254", "169.254.169.254"),
    ("172.16.0.1", "172.16.0.1"),
    ("192.0.0.192", "192.0.0.192"),
    ("192.0.2.1", "192.0.2.1"),
    ("192.88.99.1", "192.88.99.1"),
    ("192.168.1.1", "192.168.1.1"),
    ("198.18.0.1", "198.18.0.1"),
    ("198.51.100.1", "198.51.100.1"),
    ("203.0.113.1", "203.0.113.1"),
    ("224.0.0.1", "224.0.0.1"),
    ("239.255.255.255", "239.255.255.255"),
    ("240.0.0.1", "240.0.0.1"),
    ("255.255.255.255", "255.255.255.255"),
    ("[::]", "::"),
    ("[::1]", "::1"),
    ("[0:0:0:0:0:0:0:1]", "::1"),
    ("[::ffff:127.0.0.1]", "::ffff:127.0.0.1"),
    ("[::ffff:7f00:1]", "::ffff:127.0.0.1"),
    ("[::ffff:8.8.8.8]", "::ffff:8.8.8.8"),
    ("[::127.0.0.1]", "::127.0.0.1"),
    ("[64:ff9b::7f00:1]", "64:ff9b::7f00:1"),
    ("[64:ff9b::8.8.8.8]", "64:ff9b::808:808"),
    ("[64:ff9b:1::1]", "64:ff9b:1::1"),
    ("[100::1]", "100::1"),
    ("[2001::1]", "2001::1"),
    ("[2001:0:7f00:1::]", "2001:0:7f00:1::"),
    ("[2001:2::1]", "2001:2::1"),
    ("[2001:10::1]", "2001:10::1"),
    ("[2001:db8::1]", "2001:db8::1"),
    ("[2002:7f00:1::]", "2002:7f00:1::"),
    ("[2002:808:808::1]", "2002:808:808::1"),
    ("[3fff::1]", "3fff::1"),
    ("[5f00::1]", "5f00::1"),
    ("[fc00::1]", "fc00::1"),
    ("[fd00:ec2::254]", "fd00:ec2::254"),
    ("[fe80::1]", "fe80::1"),
    ("[fec0::1]", "fec0::1"),
    ("[ff02::1]", "ff02::1"),
]
PUBLIC = ["8.8.8.8", "93.184.216.34", "134744072", "[2606:4700::1111]", "[2001:4860:4860::8888]", "192.0.1.1"]


@pytest.fixture(params=["literal", "resolved", "redirected", "rebound"])
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize(("spelt", "address"), PRIVATE)
async def test_a_private_address_is_refused_on_every_way_to_it(spelt: str, address: str, way: str) -> None:
    def names(*answers: list[str]) -> sources.Names:
        return sources.Names(source_test=list(answers))

    async with sources.serving(
        sources.always(sources.reply(status="302 Found", Location=f"http://{spelt}/x"))
    ) as server:
        resolver, source = {
            "literal": (names(["127.0.0.1"]), fetch.Source(url=f"http://{spelt}/x")),
            "resolved": (names([address]), fetch.Source(url="http://source.test/x")),
            "redirected": (names(["127.0.0.1"]), server.source()),
            "rebound": (names(["93.184.216.34"], [address]), fetch.Source(url="http://source.test/x")),
        }[way]
        if way == "rebound":
            network.check_url(source.url, network.NOTHING)
            await resolver.resolve("source.test")
        async with fetch.Fetcher(sources.LIMITS, user_agent="test", resolver=resolver) as fetcher:
            with pytest.raises(errors.BlockedAddress) as caught:
                await sources.download(fetcher, source)
    assert not caught.value.retry
    if way in ("resolved", "rebound"):
        assert address not in caught.value.detail, "a name's private address is nobody's business"


@pytest.mark.parametrize(("spelt", "address"), PRIVATE)
def test_a_private_literal_is_refused_where_the_url_is_accepted(spelt: str, address: str) -> None:
    with pytest.raises(errors.BlockedAddress):
        network.check_url(f"https://{spelt}/x.png", network.NOTHING)
    with pytest.raises(errors.BlockedAddress):
        network.check_address(address, 443, network.NOTHING, "source.test")


@pytest.mark.parametrize("host", PUBLIC)
def test_public_addresses_pass(host: str) -> None:
    network.check_url(f"https://{host}/x.png?sig=a%2Fb", network.NOTHING)


@pytest.mark.parametrize("address", ["fe80::1%eth0", "2606:4700::1111%1", "127.1", "", "localhost", "08.8.8.8"])
def test_what_is_no_plain_address_is_refused_when_connecting(address: str) -> None:
    with pytest.raises(errors.BlockedAddress):
        network.check_address(address, 443, network.Allowed.parse(["0.0.0.0/0", "::/0"]), "source.test")


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("ftp://source.test/x", errors.UnsupportedScheme),
        ("file:///etc/passwd", errors.UnsupportedScheme),
        ("gopher://127.0.0.1:6379/_x", errors.UnsupportedScheme),
        ("//source.test/x", errors.UnsupportedScheme),
        ("source.test/x", errors.UnsupportedScheme),
        ("", errors.UnsupportedScheme),
        ("http://", errors.InvalidUrl),
        ("http:///x", errors.InvalidUrl),
        ("http://user:secret@source.test/x", errors.InvalidUrl),
        ("http://source.test@127.0.0.1/x", errors.InvalidUrl),
        ("http://source.test\\@127.0.0.1/x", errors.InvalidUrl),
        ("http://127.0.0.1\\.source.test/x", errors.InvalidUrl),
        ("http://source.test:0/x", errors.InvalidUrl),
        ("http://source.test:65536/x", errors.InvalidUrl),
        ("http://source.test:99999999/x", errors.InvalidUrl),
        ("http://source.test:٨٠/x", errors.InvalidUrl),
        ("http://source..test/x", errors.InvalidUrl),
        ("http://.source.test/x", errors.InvalidUrl),
        ("http://127.0.0.1../x", errors.InvalidUrl),
        ("http://source.test%2F.evil.test/x", errors.InvalidUrl),
        ("http://1.2.3.256/x", errors.InvalidUrl),
        ("http://1.2.3.4.5/x", errors.InvalidUrl),
        ("http://08.1.1.1/x", errors.InvalidUrl),
        ("http://4294967296/x", errors.InvalidUrl),
        ("http://source.0x/x", errors.InvalidUrl),
        ("http://[::1/x", errors.InvalidUrl),
        ("http://[::g]/x", errors.InvalidUrl),
        ("http://[fe80::1%25eth0]/x", errors.BlockedAddress),
        ("http://source.test/a b", errors.InvalidUrl),
        ("http://source.test/a\r\nHost: evil.test", errors.InvalidUrl),
        ("http://source.test/\x00", errors.InvalidUrl),
        ("http://source.test/\u2028", errors.InvalidUrl),
        (" http://source.test/", errors.InvalidUrl),
        ("http://source.test/" + "a" * urls.LENGTH, errors.InvalidUrl),
        ("http://source.test:22/x", errors.BlockedAddress),
        ("http://8.8.8.8:6379/x", errors.BlockedAddress),
    ],
)
def test_a_url_that_is_not_one_to_fetch_is_refused(url: str, error: type[errors.CaptureFailed]) -> None:
    with pytest.raises(error) as caught:
        network.check_url(url, network.NOTHING)
    assert "secret" not in caught.value.detail


def test_path_and_query_are_sent_as_they_were_written() -> None:
    signed = "/a%2Fb/../c+d/%41é?X-Sig=a%2Fb+c%2B&q={1}&p=[x]|~"
    sent = urls.parse("https://Source.TEST" + signed + "#part").url
    assert str(sent) == "https://source.test/a%2Fb/../c+d/%41%C3%A9?X-Sig=a%2Fb+c%2B&q=%7B1%7D&p=[x]|~"


def test_names_are_mapped_to_the_form_that_is_looked_up() -> None:
    assert urls.parse("https://Bücher.example./x").host == "xn--bcher-kva.example"
    assert str(urls.parse("http://2130706433:8080/x").url) == "http://127.0.0.1:8080/x"
    assert str(urls.parse("http://[2606:4700:0::1111]/").url) == "http://[2606:4700::1111]/"


@given(st.ip_addresses(v=4) | st.ip_addresses(v=6) | st.integers(0, 2**128 - 1).map(ipaddress.IPv6Address))
def test_whatever_is_not_global_is_refused(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    text = f"[{address}]" if address.version == 6 else str(address)
    if address.is_global and not address.is_multicast:
        return
    for port in (80, 443):
        with pytest.raises(errors.BlockedAddress):
            network.check_address(str(address), port, network.NOTHING, "source.test")
    with pytest.raises(errors.BlockedAddress):
        network.check_url(f"http://{text}/", network.NOTHING)


@given(st.ip_addresses(v=4))
def test_every_spelling_of_an_address_is_judged_alike(address: ipaddress.IPv4Address) -> None:
    a, b, c, d = address.packed
    spellings = [str(int(address)), hex(int(address)), f"0{int(address):o}", f"{a}.{b}.{c << 8 | d}"]
    spellings += [f"{a:#x}.{b << 16 | c << 8 | d}", f"0{a:o}.{b}.{c:#X}.{d}"]
    for spelling in spellings:
        assert urls.parse(f"http://{spelling}/").address == address


def verdict(allowed: network.Allowed, address: str, port: int, host: str) -> bool:
    try:
        network.check_address(address, port, allowed, host)
    except errors.BlockedAddress:
        return False
    return True


def test_a_network_opens_its_addresses_at_any_port_and_no_others() -> None:
    allowed = network.Allowed.parse(["10.1.0.0/16", "fd00::/8", "192.168.7.7"])
    assert verdict(allowed, "10.1.255.255", 9000, "anything.test")
    assert verdict(allowed, "fd12::1", 80, "anything.test")
    assert verdict(allowed, "192.168.7.7", 80, "anything.test")
    assert not verdict(allowed, "10.2.0.0", 80, "anything.test")
    assert not verdict(allowed, "8.8.8.8", 9000, "anything.test")
    assert not verdict(allowed, "::ffff:10.1.0.1", 80, "anything.test")


def test_an_endpoint_opens_the_host_it_names_and_no_other_at_the_same_address() -> None:
    allowed = network.Allowed.parse(["Store.internal:9000", "[fd00::1]:80", "cdn.test:8443"])
    assert verdict(allowed, "10.0.0.5", 9000, "store.internal")
    assert verdict(allowed, "fd00::1", 80, "fd00::1")
    assert verdict(allowed, "93.184.216.34", 8443, "cdn.test")
    assert not verdict(allowed, "10.0.0.5", 9001, "store.internal")
    assert not verdict(allowed, "10.0.0.5", 9000, "evil.test")
    assert not verdict(allowed, "10.0.0.5", 9000, "10.0.0.5")
    assert not verdict(allowed, "fd00::1", 80, "evil.test")
    assert not verdict(allowed, "93.184.216.34", 8443, "evil.test")


@pytest.mark.parametrize("address", ["169.254.169.254", "fd00:ec2::254", "100.100.100.200"])
def test_metadata_services_open_only_by_their_own_address(address: str) -> None:
    wide = network.Allowed.parse(["0.0.0.0/0", "::/0", "fd00::/8", "100.64.0.0/10", "meta.internal:80"])
    assert not verdict(wide, address, 80, "meta.internal")
    literal = f"[{address}]:80" if ":" in address else f"{address}:80"
    assert verdict(network.Allowed.parse([literal]), address, 80, address)
    assert verdict(network.Allowed.parse([address]), address, 80, "meta.internal")


def test_opening_nat64_does_not_open_the_private_addresses_behind_it() -> None:
    allowed = network.Allowed.parse(["64:ff9b::/96"])
    assert verdict(allowed, "64:ff9b::808:808", 443, "source.test")
    assert not verdict(allowed, "64:ff9b::a00:1", 443, "source.test")
    assert not verdict(allowed, "64:ff9b::a9fe:a9fe", 443, "source.test")


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "10.1.2.3/16",
        "10.0.0.0/33",
        "example.test",
        "example.test:0",
        "example.test:99999",
        "a b:80",
        "x:",
    ],
)
def test_a_wrong_entry_is_named_with_its_setting(entry: str) -> None:
    with pytest.raises(errors.InvalidSetting, match="AMBROTYPE_FETCH_ALLOW_ALL") as caught:
        network.Allowed.parse([entry], setting="AMBROTYPE_FETCH_ALLOW_ALL")
    assert f"“{entry}”" in caught.value.detail


async def test_a_host_with_a_private_and_a_silent_public_address_is_blocked_but_may_be_tried_again() -> None:
    # 127.0.0.1:port is opened for the name and refuses the connection; 10.0.0.1 is not.
    async with sources.serving(sources.always(b"")) as server:
        port = server.port
    resolver = sources.Names(source_test=[["10.0.0.1", "127.0.0.1"]])
    allowed = network.Allowed.parse(["127.0.0.0/8"])
    async with (
        aiohttp.ClientSession(connector=network.connector(allowed, resolver=resolver)) as session,
        fetch.Fetcher(sources.LIMITS, user_agent="test", resolver=resolver) as fetcher,
    ):
        with pytest.raises(errors.BlockedAddress) as caught:
            await session.get(f"http://source.test:{port}/")
        assert caught.value.retry
        with pytest.raises(errors.BlockedAddress):
            await sources.download(fetcher, fetch.Source(url=f"http://source.test:{port}/", allowed=allowed))


async def test_a_host_with_a_private_and_a_public_address_is_reached_at_the_public_one() -> None:
    async with sources.serving(sources.always(sources.reply(b"x"))) as server:
        resolver = sources.Names(source_test=[["10.0.0.1", "169.254.169.254", "127.0.0.1"]])
        allowed = network.Allowed.parse(["127.0.0.1/32"])
        async with fetch.Fetcher(sources.LIMITS, user_agent="test", resolver=resolver) as fetcher:
            source = fetch.Source(url=server.url(host="source.test"), allowed=allowed)
            assert (await sources.download(fetcher, source)).size == 1


async def test_the_checked_address_is_the_one_connected_to() -> None:
    async with sources.serving(sources.always(sources.reply(b"x"))) as server:
        resolver = sources.Names(source_test=[["127.0.0.1"], ["10.0.0.1"]])
        source = fetch.Source(
            url=server.url(host="source.test"), allowed=network.Allowed.parse([f"source.test:{server.port}"])
        )
        async with fetch.Fetcher(sources.LIMITS, user_agent="test", resolver=resolver) as fetcher:
            await sources.download(fetcher, source)
    assert resolver.asked == ["source.test"]


async def test_a_pooled_connection_of_the_trusted_does_not_serve_the_others() -> None:
    async def keep_alive(request: sources.Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")
        await asyncio.sleep(60)

    async with (
        sources.serving(keep_alive) as server,
        fetch.Fetcher(sources.LIMITS, user_agent="test") as fetcher,
    ):
        await sources.download(fetcher, server.source())
        with pytest.raises(errors.BlockedAddress):
            await sources.download(fetcher, fetch.Source(url=server.url()))


async def test_no_proxy_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        sources.serving(sources.always(sources.reply(b"from the proxy"))) as proxy,
        sources.serving(sources.always(sources.reply(b"x"))) as server,
    ):
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url(""))
        async with fetch.Fetcher(sources.LIMITS, user_agent="test") as fetcher:
            assert (await sources.download(fetcher, server.source())).size == 1
        async with aiohttp.ClientSession(connector=network.connector(proxy.allowed)) as session:
            with pytest.raises(errors.BlockedAddress):
                await session.get(server.url(), proxy=proxy.url(""))
    assert not proxy.requests


@pytest.mark.parametrize("seed", range(3))
def test_random_private_networks_stay_closed(seed: int) -> None:
    chance = random.Random(seed)
    for network_ in network._CLOSED:
        offset = chance.randrange(network_.num_addresses)
        assert not verdict(network.NOTHING, str(network_[offset]), 443, "source.test")
