"""Addresses that no source may have, in every spelling: refused before anything is promised."""

import pytest

from tests.api.stack import Caller

BLOCKED = {
    "loopback": ["127.0.0.1", "127.1", "127.255.255.254", "[::1]", "[0:0:0:0:0:0:0:1]"],
    "private": ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "[fc00::1]", "[fd12:3456::1]"],
    "link-local": ["169.254.1.1", "[fe80::1]", "[fe80::1%25eth0]"],
    "metadata": ["169.254.169.254", "[fd00:ec2::254]", "100.100.100.200"],
    "carrier": ["100.64.0.1", "100.127.255.255"],
    "multicast": ["224.0.0.1", "239.255.255.250", "[ff02::1]"],
    "unspecified": ["0.0.0.0", "0.1.2.3", "[::]"],
    "reserved": ["240.0.0.1", "255.255.255.255", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1"],
    "IPv4 in IPv6": ["[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b::10.0.0.1]",
                     "[64:ff9b:1::a00:1]", "[2002:7f00:1::]", "[2002:a00:1::]"],
    "odd forms": ["2130706433", "0x7f000001", "017700000001", "0x7f.1", "0177.0.0.1", "127.0.1", "0", "0x0a000001", "10.1"],
    "wide letters": ["１２７.0.0.1", "127。0。0。1", "①②⑦.0.0.1"],
}  # fmt: skip


@pytest.mark.parametrize("host", [host for hosts in BLOCKED.values() for host in hosts])
def test_an_address_that_is_not_public_is_refused(me: Caller, host: str) -> None:
    for url in (f"http://{host}/a.png", f"https://{host}/a.png"):
        problem = me.keep(url).problem()
        assert (problem["status"], problem["code"]) == (422, "blocked_address")
    assert me.get("/v1/media?status=keeping&status=lost").json()["items"] == []


def test_the_allowed_address_is_allowed_on_its_port_alone(me: Caller) -> None:
    assert me.keep("http://127.0.0.1:1/a.png").problem()["code"] == "blocked_address"


@pytest.mark.parametrize("host", ["8.8.8.8", "[2606:4700::1]", "cdn.example.com", "1.1"])
def test_a_public_one_is_promised(me: Caller, host: str) -> None:
    assert me.keep(f"https://{host}/a.png", mode="temporary").status == 202
