"""What a hub on this machine leaves in its data folder for the commands beside it: where it runs, and local keys.

Keys are kept in a file only its owner can read, for `connect` and `call` on the same machine; the database has hashes.
"""

import json
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

from tradepost.foundation.errors import NotFound, SetupError

_RUNNING = "running.json"
_KEYS = "keys.json"


def write_running(data: Path, url: str) -> None:
    """Say where the hub runs."""
    _write(data / _RUNNING, {"url": url, "pid": os.getpid()})


def clear_running(data: Path) -> None:
    """Forget it, when it was this process."""
    if _read(data / _RUNNING).get("pid") == os.getpid():
        (data / _RUNNING).unlink(missing_ok=True)


def running_url(data: Path, fallback: str) -> str:
    """Where the hub of this data folder runs, else where its settings say it would."""
    return str(_read(data / _RUNNING).get("url") or fallback)


def keep_key(data: Path, workspace: str, agent: str, secret: str) -> None:
    """Keep an agent's key for local use."""
    keys = _read(data / _KEYS)
    keys[f"{workspace}/{agent}"] = secret
    _write(data / _KEYS, keys)


def kept_keys(data: Path, workspace: str) -> dict[str, str]:
    """Local keys of a workspace, by agent."""
    prefix = f"{workspace}/"
    return {name.removeprefix(prefix): key for name, key in _read(data / _KEYS).items() if name.startswith(prefix)}


class KeyFile:
    """The local keys of a data folder, as the starter keeps them."""

    def __init__(self, data: Path) -> None:
        self._data = data

    def kept(self, workspace: str) -> Collection[str]:
        """The agents whose keys are there."""
        return kept_keys(self._data, workspace).keys()

    def keep(self, workspace: str, agent: str, secret: str) -> None:
        """Keep one."""
        keep_key(self._data, workspace, agent, secret)


def key_of(data: Path, agent: str, workspace: str | None) -> str:
    """The key to act with: TRADEPOST_KEY, else the one kept for this agent. Raises NotFound."""
    given = os.environ.get("TRADEPOST_KEY")
    if given:
        return given
    keys = _read(data / _KEYS)
    wanted = workspace or os.environ.get("TRADEPOST_WORKSPACE")
    found = [
        key for name, key in keys.items() if name == f"{wanted}/{agent}" or (not wanted and name.endswith(f"/{agent}"))
    ]
    if not found:
        raise NotFound(
            f"No key of the agent '{agent}' is kept in {data}.",
            hint="`tradepost key mint --agent NAME` makes one; pass it as TRADEPOST_KEY, or name the folder: --data.",
        )
    return str(found[0])


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SetupError(f"{path} cannot be read.", hint="Remove it and start the hub again.") from error
    return found if isinstance(found, dict) else {}


def _write(path: Path, value: dict[str, Any]) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump(value, stream, indent=1)
    draft.replace(path)
