"""`ambrotype rewrite` on files and folders."""

import json
from pathlib import Path

import pytest

from ambrotype.simulator import server
from tests.cli import commands
from tests.cli.conftest import folder, library

__all__ = ["folder", "library"]

BASE = "https://media.example.com"


async def rewrite(simulator: server.Simulator, data: Path, cwd: Path, *arguments: str | Path) -> commands.Ended:
    return await commands.ran(
        "rewrite", *arguments, "--data", data,
        cwd=cwd, fetch_allow=simulator.url.removeprefix("http://"), public_url=BASE,
    )  # fmt: skip


async def test_a_file_keeps_its_mark_and_its_line_ends(library: Path, tmp_path: Path, sim: server.Simulator) -> None:
    url = sim.sign(sim.image(1))
    notes, out = tmp_path / "notes.md", tmp_path / "new" / "out.md"
    notes.write_bytes(f"\ufeff# Fox\r\n![fox]({url})\r\nend".encode())
    notes.chmod(0o640)

    ended = await rewrite(sim, library, tmp_path, notes, "-o", out)

    assert ended.code == 0, ended.err
    written = out.read_bytes().decode()
    assert written.startswith(f"\ufeff# Fox\r\n![fox]({BASE}/m/")
    assert written.endswith(")\r\nend")
    assert url in notes.read_text()
    assert out.stat().st_mode & 0o777 == 0o640
    assert "1 URLs replaced in 1 file, 1 different; 0 left." in ended.err
    assert [item["status"] for item in (await commands.ran("ls", "--data", library, "--json", cwd=tmp_path)).json]

    again = await rewrite(sim, library, tmp_path, out)
    assert again.out.encode() == out.read_bytes().replace(b"\r\n", b"\n")  # the test's pipe reads text
    assert "0 URLs replaced" in again.err


async def test_a_folder_in_place_with_slots(library: Path, tmp_path: Path, sim: server.Simulator) -> None:
    docs = tmp_path / "docs"
    (docs / "deep").mkdir(parents=True)
    master, page, other = docs / "master.json", docs / "deep" / "page.html", docs / "fox.bin"
    urls = [sim.sign(sim.image(n)) for n in (11, 12)]
    master.write_text(json.dumps({"scenes": {"scene_1": {"frame": urls[0]}}, "n": 1.0}, indent=3))
    page.write_text(f'<img src="{urls[1].replace("&", "&amp;")}"> http://10.0.0.1/a.png')
    other.write_text(urls[0])

    ended = await rewrite(
        sim, library, tmp_path, docs, "--in-place", "--project", "film", "--slots", "/scenes/*/frame={1}", "--json"
    )

    assert ended.code == 0, ended.err
    frame = json.loads(master.read_text())["scenes"]["scene_1"]["frame"]
    assert frame.startswith(f"{BASE}/m/")
    assert master.read_text() == json.dumps({"scenes": {"scene_1": {"frame": frame}}, "n": 1.0}, indent=3)
    assert page.read_text().startswith(f'<img src="{BASE}/m/')
    assert other.read_text() == urls[0]
    told = {Path(one["file"]).name: one for one in ended.json}
    assert [one["from"] for one in told["master.json"]["replaced"]] == [urls[0]]
    assert told["page.html"]["left"][0]["why"].startswith("blocked_address")
    assert "blocked_address" in ended.err
    items = (await commands.ran("ls", "--data", library, "--json", cwd=tmp_path, public_url=BASE)).json
    assert {item["url"]: (item["slot"], item["status"]) for item in items}[frame] == ("scene_1", "kept")


async def test_a_dry_run_writes_and_keeps_nothing(library: Path, tmp_path: Path, sim: server.Simulator) -> None:
    file = tmp_path / "a.txt"
    file.write_text(sim.sign(sim.image(21)))
    before = (await commands.ran("ls", "--data", library, "--json", cwd=tmp_path)).json

    ended = await rewrite(sim, library, tmp_path, file, "--in-place", "--dry-run")

    assert (ended.code, ended.out) == (0, "")
    assert "1 URLs would be replaced" in ended.err
    assert file.read_text().startswith(sim.url)
    assert (await commands.ran("ls", "--data", library, "--json", cwd=tmp_path)).json == before


async def test_what_is_lost_or_can_not_be_read_is_told_with_exit_code_1(
    library: Path, tmp_path: Path, sim: server.Simulator
) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "dead.txt").write_text(sim.sign(sim.image(31), ttl=-5))
    (docs / "latin.txt").write_bytes(b"caf\xe9")

    ended = await rewrite(sim, library, tmp_path, docs, "-o", tmp_path / "out")

    assert ended.code == 1
    assert "source_expired" in ended.err
    assert "not UTF-8" in ended.err
    assert (tmp_path / "out" / "dead.txt").read_text().startswith(f"{BASE}/m/")
    assert not (tmp_path / "out" / "latin.txt").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere.json"], "no file"),
        (["."], "folder"),
        (["-", "--in-place"], "stdin"),
        (["a.txt", "-o", "b.txt", "--in-place"], "not both"),
        (["a.txt", "--slots", "/a"], "no ="),
        (["a.txt", "--slots", "/a=b"], "project"),
    ],
)
def test_wrong_use_is_one_sentence(arguments: list[str], sentence: str, library: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    ended = commands.run("rewrite", *arguments, "--data", library, cwd=tmp_path, public_url=BASE)
    assert ended.code == 2
    assert sentence in ended.sentence


def test_without_a_public_url_it_says_what_to_do(library: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    ended = commands.run("rewrite", "a.txt", "--data", library, cwd=tmp_path)
    assert ended.code == 1
    assert "AMBROTYPE_PUBLIC_URL" in ended.sentence
