"""Databases that are not at this release's schema: said plainly, and left as they are."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.processes import Place


def change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def tables(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        return {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def refused_by(place: Place, *commands: str) -> list[str]:
    started = [place.begin(*command.split()) for command in commands]
    return [command.result().refusal() for command in started]


@pytest.mark.parametrize("which", ["hub", "store"])
def test_a_half_migrated_database_is_left_alone(place: Place, which: str):
    path = place.data / f"{which}.db"
    change(path, f"DROP TABLE tradepost_{which}_revision")
    before = tables(path)
    for said in refused_by(place, "serve", "db upgrade", "user list"):
        assert f"The {which} database has tables but no revision" in said
        assert "empty database" in said
    assert tables(path) == before


@pytest.mark.parametrize(("which", "table"), [("hub", "action_verdicts"), ("store", "refund_lines")])
def test_a_database_that_lost_a_table_is_left_alone(place: Place, which: str, table: str):
    path = place.data / f"{which}.db"
    change(path, f"DROP TABLE {table}")
    for said in refused_by(place, "serve", "db upgrade", "db status"):
        assert f"The {which} database lacks tables of its revision" in said
        assert table in said
        assert "Restore a backup" in said


@pytest.mark.parametrize("which", ["hub", "store"])
def test_a_database_of_a_newer_release_is_left_alone(place: Place, which: str):
    path = place.data / f"{which}.db"
    change(path, f"UPDATE tradepost_{which}_revision SET version_num = '9999'")
    for said in refused_by(place, "serve", "db upgrade", "user list"):
        assert f"The {which} database is at revision 9999" in said
        assert "newer Tradepost" in said
    status = place.run("db", "status", "--json")
    assert f"The {which} database is at revision 9999" in status.refusal()
    states = {row["database"]: row["state"] for row in json.loads(status.out)}
    assert states == {"hub": "current", "store": "current"} | {which: "ahead"}


def test_an_empty_database_says_how_to_fill_it(tmp_path: Path):
    place = Place(tmp_path)
    for said in refused_by(place, "serve", "approvals list"):
        assert "tradepost db upgrade" in said
    place.run("db", "upgrade").good()
    assert "no workspace yet" in place.run("approvals", "list").refusal()
    assert "already current" in place.run("db", "upgrade").good().out


def test_a_damaged_key_file_is_named_and_kept(place: Place):
    (place.data / "vault.key").write_text("1 nonsense\n", encoding="utf-8")
    (said,) = refused_by(place, "serve")
    assert "vault.key is damaged" in said
    assert (place.data / "vault.key").read_text("utf-8") == "1 nonsense\n"
