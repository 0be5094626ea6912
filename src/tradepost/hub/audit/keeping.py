"""What a workspace keeps of the arguments of calls: its settings, at hand where rows are made."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, cast

import orjson
from sqlalchemy import select

from tradepost.database.engine import Database
from tradepost.hub.audit.fact import Kept
from tradepost.hub.audit.masking import NO_KINDS, Keeping, Kinds, Masking, kinds_in
from tradepost.hub.audit.models import AuditSettings

ROW_ID = "audit"
BYTES_PER_TOKEN = 4  # an estimate that holds for JSON with English in it, a little high for other languages
MOST_SCHEMAS = 4_096


class Versions(Protocol):
    """Who knows the current registry version of a workspace, which counts up with a change of these settings too."""

    async def version(self, workspace_id: str) -> int: ...

    def at_hand(self, workspace_id: str) -> int | None: ...


class Defined(Protocol):
    """A tool, as it was approved."""

    @property
    def definition(self) -> dict[str, Any]: ...


class Said(NamedTuple):
    """What was asked and answered in a call. `tool` is there where the arguments are those of one; `source` is the size
    of the answer in bytes where it came in as a text."""

    arguments: Mapping[str, Any] | None
    tool: Defined | None = None
    result: Mapping[str, Any] | None = None
    source: int | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """Of one workspace."""

    usual: Masking
    by_tool: Mapping[str, Masking]

    def of(self, server: str | None, tool: str | None) -> Masking:
        """How the arguments of a tool are kept: by its own rule, its server's, or the workspace's."""
        if not self.by_tool:
            return self.usual
        return self.by_tool.get(f"{server}/{tool}") or self.by_tool.get(f"{server}/*") or self.usual


USUAL = Rules(Masking("masked"), {})


class ArgumentRules:
    """The rules of all workspaces, looked up again when the registry of one has changed."""

    def __init__(self, database: Database, versions: Versions | None = None) -> None:
        self._database = database
        self._versions = versions
        self._rules: dict[str, tuple[int, Rules]] = {}
        self._kinds: dict[str, Kinds] = {}

    async def prepare(self, workspace_id: str) -> Rules:
        """The rules that hold now."""
        version = -1
        if self._versions is not None:
            found = self._versions.at_hand(workspace_id)
            version = await self._versions.version(workspace_id) if found is None else found
        known = self._rules.get(workspace_id)
        if known is not None and known[0] == version != -1:
            return known[1]
        rules = await self._read(workspace_id)
        self._rules[workspace_id] = version, rules
        return rules

    def last_known(self, workspace_id: str) -> Rules:
        """The rules as they were last looked up; where nobody did so yet, no argument is kept."""
        known = self._rules.get(workspace_id)
        return NOTHING if known is None else known[1]

    def kept(self, rules: Rules, said: Said, server: str | None, tool: str | None, digest: str | None) -> Kept:
        """What a row keeps."""
        arguments, text, asked = said.arguments, None, None
        if arguments is not None:
            text = rules.of(server, tool).text_of(arguments, self._kinds_of(said.tool, digest))
            asked = _size(arguments)
        answered = said.source
        if answered is None and said.result is not None:
            answered = _size(said.result)
        tokens = None if answered is None else -(-answered // BYTES_PER_TOKEN)
        return Kept(text, asked, answered, tokens)

    def _kinds_of(self, tool: Defined | None, digest: str | None) -> Kinds:
        if tool is None or digest is None:
            return NO_KINDS
        kinds = self._kinds.get(digest)
        if kinds is None:
            if len(self._kinds) >= MOST_SCHEMAS:
                self._kinds.clear()
            kinds = self._kinds[digest] = kinds_in(tool.definition.get("inputSchema"))
        return kinds

    async def _read(self, workspace_id: str) -> Rules:
        async with self._database.transaction(workspace_id, write=False, quick=True) as session:
            row = (await session.scalars(select(AuditSettings).where(AuditSettings.id == ROW_ID))).one_or_none()
        return USUAL if row is None else rules_of(row)


def rules_of(row: AuditSettings) -> Rules:
    """What the settings of a workspace mean."""

    def masking(keeping: str) -> Masking:
        return Masking(cast("Keeping", keeping), row.personal_fields, row.secret_fields)

    return Rules(masking(row.arguments), {tool: masking(keeping) for tool, keeping in row.tools.items()})


NOTHING = Rules(Masking("digest"), {})


def _size(value: Mapping[str, Any]) -> int | None:
    try:
        return len(orjson.dumps(value))
    except TypeError:  # an integer that only Python writes, or half a character
        return None
