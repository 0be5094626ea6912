"""The newest signed statement about each workspace's chain, in files beside the keys.

Whoever can write to the database, and to nothing else, can cut off the end of a chain together with the statements
about it, but not these.
"""

import os
from pathlib import Path

import orjson

from tradepost.foundation.errors import InvalidArgument, SetupError
from tradepost.hub.audit.statement import Statement


class Witness:
    """A folder with one file per workspace."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, workspace_id: str) -> Path:
        """Where the statement about a workspace is."""
        return self._folder / f"{workspace_id}.json"

    def kept(self, workspace_id: str) -> Statement | None:
        """The newest statement that this machine saw. Raises SetupError for a file that holds something else."""
        path = self.path(workspace_id)
        try:
            return Statement.from_plain(orjson.loads(path.read_bytes()))
        except FileNotFoundError:
            return None
        except (orjson.JSONDecodeError, InvalidArgument) as error:
            raise SetupError(
                f"{path} does not hold a signed statement about the audit.",
                hint="Find out who changed it. The hub writes it anew once it is moved away.",
            ) from error

    def keep(self, statement: Statement) -> None:
        """Keep this one, unless there is a newer one."""
        before = self.kept(statement.workspace_id)
        if before is not None and before.position >= statement.position:
            return
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self.path(statement.workspace_id)
        new = path.with_name(f"{path.name}.{os.getpid()}.new")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(orjson.dumps(statement.as_plain(), option=orjson.OPT_INDENT_2) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
