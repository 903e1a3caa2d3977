"""`ambrotype usage`: a table for people, JSON for programs."""

import json
from pathlib import Path

import ambrotype
from tests.api import samples
from tests.cli import commands


async def test_usage_is_a_table_or_json(tmp_path: Path) -> None:
    picture = samples.picture(41)
    async with ambrotype.open(tmp_path / "media", work=False) as library:
        await library.keep(data=picture, provider="fal")
    shown = commands.run("usage", "--by", "provider", "--data", str(tmp_path / "media"), cwd=tmp_path)
    assert shown.code == 0
    assert [line.split()[:2] for line in shown.out.splitlines()] == [
        ["provider", "items"],
        ["fal", "1"],
        ["total", "1"],
    ]
    told = commands.run("usage", "--json", "--data", str(tmp_path / "media"), cwd=tmp_path)
    assert json.loads(told.out)["total"]["bytes"] == len(picture)
