"""The ground the other tests stand on: both engines answer, databases are per test, nothing goes outside."""

from __future__ import annotations

import os
import socket
import sqlite3
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.conftest import OutsideNetworkBlocked
from tests.engines import DatabaseUrls, Template
from tests.run import Run


def ask(url: str, *statements: str) -> list[tuple[Any, ...]]:
    """Run statements in one transaction; the rows of the last one."""
    connection: Any = (
        sqlite3.connect(url.removeprefix("sqlite:///")) if url.startswith("sqlite:///") else psycopg.connect(url)
    )
    with closing(connection):
        cursors = [connection.execute(statement) for statement in statements]
        rows = cursors[-1].fetchall() if cursors[-1].description else []
        connection.commit()
    return list(rows)


def fill(url: str) -> None:
    ask(url, "CREATE TABLE prepared (n integer)", "INSERT INTO prepared VALUES (7)")


def test_both_databases_answer(database_urls: DatabaseUrls):
    assert ask(database_urls.hub, "SELECT 1") == [(1,)]
    assert ask(database_urls.store, "SELECT 1") == [(1,)]


@pytest.mark.parametrize("attempt", [1, 2])
def test_a_table_of_one_test_is_unknown_to_the_next(database_urls: DatabaseUrls, attempt: int):
    ask(database_urls.hub, "CREATE TABLE mine (n integer)", f"INSERT INTO mine VALUES ({attempt})")
    assert ask(database_urls.hub, "SELECT n FROM mine") == [(attempt,)]


class TestPrepared:
    @pytest.fixture
    def database_template(self) -> Template:
        return Template("seven", hub=fill, store=fill)

    @pytest.mark.parametrize("attempt", [1, 2])
    def test_every_test_starts_from_the_prepared_state(self, database_urls: DatabaseUrls, attempt: int):
        assert ask(database_urls.hub, "SELECT n FROM prepared") == [(7,)]
        ask(database_urls.hub, "DELETE FROM prepared")
        assert ask(database_urls.store, "SELECT n FROM prepared") == [(7,)]


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("2001:db8::1", 80)])
def test_connecting_outside_is_refused(address: tuple[str, int]):
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with closing(socket.socket(family)) as outside, pytest.raises(OutsideNetworkBlocked):
        outside.connect(address)


def test_looking_up_a_name_outside_is_refused():
    with pytest.raises(OutsideNetworkBlocked):
        socket.getaddrinfo("shop.example.com", 443)


def test_loopback_is_open():
    with (
        closing(socket.create_server(("127.0.0.1", 0))) as server,
        closing(socket.create_connection(server.getsockname(), timeout=5)) as client,
    ):
        assert client.getpeername() == server.getsockname()


def make_in(directory: Path) -> int:
    """In a process of its own: what was made there, which counts who makes it."""
    makers = directory / "makers"

    def make() -> int:
        with makers.open("a") as kept:
            kept.write(f"{os.getpid()}\n")
        return os.getpid()

    return Run(directory).once("a thing", make)


def test_what_processes_share_is_made_by_one_of_them(tmp_path: Path):
    with ProcessPoolExecutor(3, get_context("forkserver")) as pool:
        made = set(pool.map(make_in, [tmp_path] * 6))
    assert len(made) == 1
    assert (tmp_path / "makers").read_text("utf-8").split() == [str(*made)]


def test_what_could_not_be_made_is_tried_again(tmp_path: Path):
    run, attempts = Run(tmp_path), iter((ValueError("not now"), None))

    def make() -> str:
        if (trouble := next(attempts)) is not None:
            raise trouble
        return "made"

    with pytest.raises(ValueError, match="not now"):
        run.once("a thing", make)
    assert run.once("a thing", make) == "made"
    assert Run(tmp_path).once("a thing", make) == "made"
