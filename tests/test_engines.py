"""The ground the other tests stand on: both engines answer, databases are per test, nothing goes outside."""

from __future__ import annotations

import socket
import sqlite3
from contextlib import closing
from typing import Any

import psycopg
import pytest

from tests.conftest import OutsideNetworkBlocked
from tests.engines import DatabaseUrls, Template


def run(url: str, *statements: str) -> list[tuple[Any, ...]]:
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
    run(url, "CREATE TABLE prepared (n integer)", "INSERT INTO prepared VALUES (7)")


def test_both_databases_answer(database_urls: DatabaseUrls):
    assert run(database_urls.hub, "SELECT 1") == [(1,)]
    assert run(database_urls.store, "SELECT 1") == [(1,)]


@pytest.mark.parametrize("attempt", [1, 2])
def test_a_table_of_one_test_is_unknown_to_the_next(database_urls: DatabaseUrls, attempt: int):
    run(database_urls.hub, "CREATE TABLE mine (n integer)", f"INSERT INTO mine VALUES ({attempt})")
    assert run(database_urls.hub, "SELECT n FROM mine") == [(attempt,)]


class TestPrepared:
    @pytest.fixture
    def database_template(self) -> Template:
        return Template("seven", hub=fill, store=fill)

    @pytest.mark.parametrize("attempt", [1, 2])
    def test_every_test_starts_from_the_prepared_state(self, database_urls: DatabaseUrls, attempt: int):
        assert run(database_urls.hub, "SELECT n FROM prepared") == [(7,)]
        run(database_urls.hub, "DELETE FROM prepared")
        assert run(database_urls.store, "SELECT n FROM prepared") == [(7,)]


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
