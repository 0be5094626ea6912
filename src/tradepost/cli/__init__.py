"""The `tradepost` command. It prints and sets exit statuses and decides nothing."""

from tradepost.cli.main import main

__all__ = ["main"]
