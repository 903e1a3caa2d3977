"""`keep` on a data folder: what it prints, what it waits for, what it says of losses."""

import asyncio
import json
from pathlib import Path

from ambrotype.simulator import server
from tests.cli import commands


def sources(simulator: server.Simulator) -> str:
    return simulator.url.removeprefix("http://")


async def test_prints_permanent_urls_in_order_when_all_is_kept(
    library: Path, folder: Path, simulator: server.Simulator
) -> None:
    urls = [simulator.sign(simulator.image(n)) for n in range(3)]
    kept = await commands.ran(
        "keep", *urls, "--tag", "order", "--prompt", "a fox", "--data", library,
        cwd=folder, fetch_allow=sources(simulator),
    )  # fmt: skip
    assert kept.code == 0, kept.err
    printed = kept.out.splitlines()
    assert len(printed) == 3

    listed = (await commands.ran("ls", "--data", library, "--json", cwd=folder)).json
    by_url = {item["url"]: item for item in listed}
    assert [by_url[url]["source_url"] for url in printed] == urls
    assert all(by_url[url]["status"] == "kept" and by_url[url]["prompt"] == "a fox" for url in printed)

    shown = await commands.ran("show", by_url[printed[0]]["id"], "--data", library, cwd=folder)
    assert shown.code == 0
    assert by_url[printed[0]]["sha256"] in shown.out
    assert "media.kept" in shown.out
    as_json = (await commands.ran("show", by_url[printed[0]]["id"], "--data", library, "--json", cwd=folder)).json
    assert as_json["id"] == by_url[printed[0]]["id"]
    assert as_json["events"][-1]["type"].startswith("media.")

    opened = await commands.ran("open", as_json["id"], "--data", library, "--json", cwd=folder)
    assert opened.json["access_url"].startswith(as_json["url"])


async def test_a_loss_is_told_with_its_reason_and_exit_code_1(
    library: Path, folder: Path, simulator: server.Simulator
) -> None:
    good, dead = simulator.sign(simulator.image(11)), simulator.sign(simulator.image(12), ttl=-5)
    ended = await commands.ran(
        "keep", good, dead, "ftp://example.com/x.png", "--data", library, cwd=folder, fetch_allow=sources(simulator)
    )
    assert ended.code == 1
    lines = ended.out.split("\n")
    assert "/m/" in lines[0]
    assert "/m/" in lines[1]
    assert lines[2] == ""
    assert "source_expired" in ended.err
    assert "unsupported_scheme" in ended.err
    assert "1 of 3 kept" in ended.err
    assert "X-Amz-Signature" not in ended.err


async def test_csv_and_json_lines_and_lines_say_the_same(
    library: Path, folder: Path, simulator: server.Simulator
) -> None:
    allowed = sources(simulator)
    urls = [simulator.sign(simulator.image(n)) for n in range(20, 26)]
    table = folder / "urls.csv"
    table.write_text(f'url,title,tags\n"{urls[0]}",First,"a, b"\n"{urls[1]}",,\n')
    objects = "".join(json.dumps({"url": url, "title": "JSON"}) + "\n" for url in urls[2:4])
    plain = f"# two of them\n{urls[4]}\n\n{urls[5]}\n"
    results = [
        await commands.ran("keep", "--from", table, "--json", "--data", library, cwd=folder, fetch_allow=allowed),
        await commands.ran(
            "keep", "--from", "-", "--json", "--data", library, cwd=folder, given=objects, fetch_allow=allowed
        ),
        await commands.ran(
            "keep", "--from", "-", "--json", "--title", "common", "--data", library,
            cwd=folder, given=plain, fetch_allow=allowed,
        ),
    ]  # fmt: skip
    assert [ended.code for ended in results] == [0, 0, 0]
    media = [one["media"] for ended in results for one in ended.json]
    assert [item["source_url"] for item in media] == urls
    assert {item["status"] for item in media} == {"kept"}
    assert media[0]["tags"] == ["a", "b"]
    assert [item["title"] for item in media] == ["First", None, "JSON", "JSON", "common", "common"]


async def test_a_bad_row_fails_alone_and_is_named(library: Path, folder: Path, simulator: server.Simulator) -> None:
    rows = json.dumps({"url": simulator.sign(simulator.image(30))}) + "\nnot json\n"
    ended = await commands.ran(
        "keep", "--from", "-", "--data", library, cwd=folder, given=rows, fetch_allow=sources(simulator)
    )
    assert ended.code == 1
    assert "/m/" in ended.out.split("\n")[0]
    assert "Line 2" in ended.err


def test_a_file_that_can_not_be_used_is_one_sentence(tmp_path: Path, library: Path) -> None:
    table = tmp_path / "x.csv"
    table.write_text("url,colour\nhttps://example.com/a.png,red\n")
    for source, word in ((table, "colour"), (tmp_path / "missing.csv", "missing.csv")):
        ended = commands.run("keep", "--from", source, "--data", library, cwd=tmp_path)
        assert ended.code == 2
        assert word in ended.sentence
    assert commands.run("keep", "--data", library, cwd=tmp_path).code == 2


async def test_what_is_left_is_kept_by_the_next_worker(
    library: Path, folder: Path, simulator: server.Simulator
) -> None:
    url = simulator.sign(simulator.video(40))
    left = await commands.ran(
        "keep", url, "--no-wait", "--json", "--data", library, cwd=folder, fetch_allow=sources(simulator)
    )
    assert left.code == 0
    (item,) = [one["media"] for one in left.json]
    assert item["status"] == "keeping"
    at_risk = (await commands.ran("at-risk", "--data", library, "--json", cwd=folder)).json
    assert item["id"] in [one["id"] for one in at_risk]

    working = commands.Running("work", "--data", library, cwd=folder, fetch_allow=sources(simulator))
    try:
        again = await commands.ran("keep", url, "--json", "--data", library, cwd=folder, fetch_allow=sources(simulator))
        assert again.json[0]["media"]["id"] == item["id"]
        shown = await commands.ran("show", item["id"], "--json", "--data", library, cwd=folder)
        assert shown.json["status"] == "kept"
        working.process.terminate()
        assert await asyncio.to_thread(working.process.wait, 30) == 0
    finally:
        working.end()


async def test_the_list_fits_a_narrow_terminal(library: Path, folder: Path) -> None:
    listed = await commands.ran("ls", "--data", library, cwd=folder)
    assert listed.code == 0
    assert "kept" in listed.out
    risk = await commands.ran("at-risk", "--data", library, cwd=folder)
    assert risk.code == 0
