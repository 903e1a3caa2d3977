"""`POST /v1/rewrite` answers the document's own bytes."""

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from ambrotype.simulator import server as simulators
from tests.support.server import Server


def send(server: Server, owner: str, body: bytes, **headers: str) -> tuple[int, bytes]:
    named = {"Authorization": f"Bearer {server.key}", "Ambrotype-Owner": owner, "Content-Type": "application/json"}
    asked = urllib.request.Request(f"{server.url}/v1/rewrite", data=body, headers=named | headers, method="POST")
    try:
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read()


async def test_the_document_comes_back_byte_for_byte_but_for_its_urls(
    server: Server, owner: str, sim: simulators.Simulator
) -> None:
    url = sim.sign(sim.image(1))
    literal = json.dumps(url).replace("/", "\\/").replace("&", "\\u0026")
    document = (
        '{ "z":1.0,"a" :-0,"z":1e5,\r\n "n":123456789012345678901234567890,'
        f'"s":"\\u00e9\\ud800 é\\/","u":{literal},"list":[1E+2 , true]}}'
    )

    status, answer = send(server, owner, f' {{"relative" : false, "document" : {document} }}\n'.encode())

    assert status == 200
    found: dict[str, Any] = json.loads(answer)
    (replaced,) = found["replaced"]
    assert (replaced["pointer"], replaced["from"]) == ("/u", url)
    assert replaced["to"].startswith(f"{server.url}/m/{replaced['media_id']}/")
    expected = document.replace(literal, json.dumps(replaced["to"]).replace("/", "\\/"))
    assert answer.startswith(b'{"document":' + expected.encode() + b',"replaced":')
    assert found["left"] == []


async def test_a_text_comes_back_with_its_escapes(server: Server, owner: str, sim: simulators.Simulator) -> None:
    url = sim.sign(sim.image(2))
    literal = '"\\u0023 Fox\\r\\n\\n![fox](' + url + ')\\u0020\\/ <img src=\\"' + url.replace("&", "&amp;") + '\\">"'

    status, answer = send(server, owner, b'{"document":' + literal.encode() + b"}")

    found = json.loads(answer)
    to = found["replaced"][0]["to"]
    assert (status, len(found["replaced"])) == (200, 2)
    assert answer.startswith(
        b'{"document":' + literal.replace(url.replace("&", "&amp;"), to).replace(url, to).encode() + b","
    )


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b"", None),
        (b"[]", None),
        (b'{"document": [1,], "relative": true}', None),
        (b'{"document": 1, "document": 2}', None),
        (b'{"document": "\xff"}', None),
        (b'{"document": ' + b"[" * 5000 + b"]" * 5000 + b"}", None),
        (b"{}", "/document"),
        (b'{"document": 1, "nope": 2}', "/nope"),
        (b'{"document": 1, "relative": "perhaps"}', "/relative"),
        (b'{"document": 1, "project": "\\u0000"}', "/project"),
        (b'{"document": 1, "project": "p", "slots": {"x": "y"}}', "/slots/x"),
        (b'{"document": 1, "only_hosts": ["a/b"]}', "/only_hosts/0"),
    ],
)
def test_a_wrong_request_is_refused_with_its_place(
    server: Server, owner: str, body: bytes, pointer: str | None
) -> None:
    status, answer = send(server, owner, body)

    problem = json.loads(answer)
    assert (status, problem["code"]) == (422, "invalid_request"), answer
    assert [one["pointer"] for one in problem.get("errors") or []] == ([pointer] if pointer else [])


def test_who_may_not_write_may_not_rewrite(server: Server, owner: str) -> None:
    assert send(server, owner, b'{"document": 1}', Authorization="Bearer amb_wrong")[0] == 401


def test_the_contract_is_documented(server: Server) -> None:
    with urllib.request.urlopen(f"{server.url}/openapi.json", timeout=60) as answer:
        operation = json.load(answer)["paths"]["/v1/rewrite"]["post"]
    fields = operation["requestBody"]["content"]["application/json"]["schema"]["properties"]
    assert {*fields} == {"document", "relative", "project", "slots", "only_hosts", "dry_run"}
    assert {"200", "409", "413", "422"} <= {*operation["responses"]}
