"""Registers the upstream as an admin does, and prints what the harness calls it with as one line of JSON."""

import json
import os
import subprocess
import sys

ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.environ["HUB_PATH"],
    "TRADEPOST_DATA": os.environ["RUN"] + "/data",
    "TRADEPOST_ALLOW_PRIVATE": "127.0.0.0/8",
    "TRADEPOST_WORKSPACE": "bench",
    "TRADEPOST_USER": "owner@bench.example",
}


def tradepost(*arguments: str) -> str:
    """Run a command; what it said. Ends with its error when it could not do what was asked."""
    command = [os.environ["HUB_PYTHON"], "-m", "tradepost", *arguments]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"tradepost {' '.join(arguments)}: {done.stderr}")
    return done.stdout


def main() -> None:
    tradepost("server", "add", "up", os.environ["UPSTREAM"])
    tradepost("server", "test", "up")
    tradepost("server", "tools", "up")
    tradepost("server", "enable", "up", "get_order", "--class", "read", "--scope", "read:orders")
    tradepost("profile", "create", "bench")
    tradepost("agent", "create", "bench", "--profile", "bench", "--scope", "read:orders")
    tradepost("server", "assign", "up", "get_order", "--agent", "bench", "--name", "up__get_order")
    key = json.loads(tradepost("key", "mint", "--agent", "bench", "--json"))["key"]
    print(json.dumps({"tool": "up__get_order", "headers": [f"Authorization: Bearer {key}"]}))


if __name__ == "__main__":
    main()
