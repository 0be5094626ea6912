"""Switching a SQLite file to its write-ahead log, which is kept in the file: after the first time it is a look."""

import sqlite3
import time
from collections.abc import Callable

TRIES = 100
PAUSE_SECONDS = 0.02


def use_wal(execute: Callable[[str], object]) -> None:
    """Switch, waiting for others who do the same. Two processes that open a new file at the same moment are told
    "locked" at once, whatever their busy timeout: the switch needs the file alone, and SQLite does not queue for it."""
    for tries_left in range(TRIES, 0, -1):
        try:
            execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if tries_left == 1 or "locked" not in str(error):
                raise
            time.sleep(PAUSE_SECONDS)
