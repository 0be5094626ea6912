"""Servers, tools, resources and prompts of a plan: rows and sealed headers, in the session's transaction."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import InvalidArgument, StateConflict
from tradepost.foundation.ids import new_id
from tradepost.hub.limits.quotas import read_quotas
from tradepost.hub.limits.settings import SETTINGS
from tradepost.hub.policy.figures import KEY as FIGURES
from tradepost.hub.registration.configuration.addresses import moves_row
from tradepost.hub.registration.configuration.apis import keep_api
from tradepost.hub.registration.configuration.applying_credentials import CredentialChanges
from tradepost.hub.registration.configuration.document import ContentPart, Json, ServerPart, ToolPart
from tradepost.hub.registration.configuration.plan import Change
from tradepost.hub.registration.configuration.reading import Path, Read
from tradepost.hub.registration.configuration.rows import ContentKey, Rows
from tradepost.hub.registration.configuration.values import Values
from tradepost.hub.registration.contents import key_of, kind_of, lay, new_content
from tradepost.hub.registration.dry_runs import check_dry_run
from tradepost.hub.registration.history import Scribe
from tradepost.hub.registration.injection import check_takes_headers
from tradepost.hub.registration.injection_check import check_against_tools, check_definition
from tradepost.hub.registration.pins import pin, pin_content
from tradepost.hub.registry.dry_runs import KEY as DRY_RUN
from tradepost.hub.registry.dry_runs import mark
from tradepost.hub.registry.injection_rules import ASSERTION, INJECT, Rule, stored_rules
from tradepost.hub.registry.missing_url import has_its_url, url_missing
from tradepost.hub.registry.models import PromptEntry, ResourceEntry, Server, ToolEntry
from tradepost.hub.vault.vault import Vault

Content = ResourceEntry | PromptEntry


class ServerChanges:
    """Makes the changes of servers and what is theirs."""

    def __init__(
        self, session: AsyncSession, by: Caller, read: Read, rows: Rows, vault: Vault, values: Values, now: datetime
    ) -> None:
        self._session, self._by, self._read, self._rows = session, by, read, rows
        self._values, self._now = values, now
        self._credentials = CredentialChanges(session, rows, vault, values)
        self._scribes: dict[str, Scribe] = {}
        self._positions = Counter(server for server, _ in rows.tools)
        self._ruled: dict[str, Path] = {}  # servers some of whose rules or definitions are others now

    async def server(self, change: Change) -> None:
        """Register, change or delete one."""
        (slug,) = change.key
        if change.action == "remove":
            row = self._rows.servers.pop(slug)
            await self._credentials.forget(row)
            await self._session.delete(row)
            await self._session.flush()
            return
        part = change.part(ServerPart)
        if change.action == "create":
            (await read_quotas(self._session, None)).require("remote_servers")
            row = Server(id=new_id("srv"), slug=slug, name=part.name or slug, kind="remote", owner_id=self._by.user_id)
            row.credential_version, row.settings, row.url_hidden = 0, {}, False
            self._session.add(row)
            self._rows.servers[slug] = row
        row = self._rows.servers[slug]
        await self._change_server(row, part, change.members)
        await self._session.flush()

    async def _change_server(self, row: Server, part: ServerPart, members: Mapping[str, object]) -> None:
        before = dict(row.settings or {})
        moved = moves_row(part, row)
        if moved:
            await self._session.flush()
            await self._credentials.forget(row)
            row.settings = {name: value for name, value in row.settings.items() if name != ASSERTION}
        if members.keys() & {"url", "secret_url"}:
            await self._session.flush()
            await self._credentials.set_url(row, part, moved=moved)
            row.status = "disabled" if row.status == "disabled" else "registered"
            row.last_error = None if await has_its_url(self._session, row) else url_missing(row.slug).message
        if "name" in members:
            row.name = part.name or part.slug
        if "enabled" in members:
            on = "ready" if row.kind == "builtin" else "registered"
            row.status = on if part.enabled else "disabled"
        if members.keys() & {"settings", "inject", "caller_assertion"} or ASSERTION in before:
            row.settings = _settings(row.settings or {}, part, self._assertion(row, part))
        if _ambient(before) != _ambient(row.settings or {}):
            row.credential_version += 1
        if members.keys() & {"inject", "headers", "caller_assertion", "url", "secret_url", "oauth"}:
            self._ruled[row.slug] = ()
        await self._session.flush()
        if "headers" in members:
            await self._credentials.set_headers(row, part, {} if moved else self._values.headers.get(part.slug, {}))
        if "oauth" in members:
            await self._credentials.set_oauth(row, part)
        if "api" in members and part.api is not None:
            self._rows.apis[row.id] = keep_api(self._session, row.id, part.api, self._rows.apis.get(row.id))

    @staticmethod
    def _assertion(row: Server, part: ServerPart) -> bool | str:
        stored: bool | str = (row.settings or {}).get(ASSERTION, False)
        return part.caller_assertion if part.says("caller_assertion") else stored

    async def tool(self, change: Change) -> None:
        """Pin, change or forget one."""
        server, name = change.key
        if change.action == "remove":
            await self._session.delete(self._rows.tools.pop((server, name)))
            await self._session.flush()
            return
        part = change.part(ToolPart)
        row = self._rows.tools.get((server, name))
        if row is None:
            row = ToolEntry(id=new_id("tool"), server_id=self._rows.servers[server].id, name=name, settings={})
            row.position = self._positions[server]
            self._positions[server] += 1
            self._session.add(row)
            self._rows.tools[server, name] = row
        before = (row.state, row.digest, row.definition)
        if "digest" in change.members:
            self._pin(row, part)
            self._ruled[server] = change.path
        for member, column in (("class", "tool_class"), ("moves_money", "moves_money"), ("scope", "scope")):
            if member in change.members or change.action == "create":
                setattr(row, column, getattr(part, column))
        if "state" in change.members:
            row.state = part.state
        if row.state == "enabled" and change.members.keys() & {"state", "digest"}:
            await self._approve(row, self._rows.servers[server], *before)
        if change.members.keys() & {"settings", "inject", "figures"} or change.action == "create":
            row.settings = _settings(row.settings or {}, part, None)
            self._ruled[server] = change.path
        if "dry_run" in change.members:
            self._mark_dry_run(row, part, change.path)

    def _mark_dry_run(self, row: ToolEntry, part: ToolPart, path: Path) -> None:
        """Raises InvalidArgument where the tool takes no such argument, or only reads."""
        row.settings = {name: value for name, value in row.settings.items() if name != DRY_RUN}
        if part.dry_run is None:
            return
        try:
            check_dry_run(row, part.dry_run)
        except (InvalidArgument, StateConflict) as error:
            raise self._read.wrong((*path, "dry_run"), error.message, error.hint) from None
        row.settings = {**row.settings, DRY_RUN: mark(part.dry_run, row.digest)}

    async def _approve(
        self, row: ToolEntry, server: Server, state: str | None, digest: str | None, text: str | None
    ) -> None:
        """Say who approved it, in the tool's history too. `state`, `digest` and `text` are those from before."""
        if server.kind == "builtin":
            return  # its release approved it
        if state == "disabled" and digest == row.digest and row.approved_at is not None:
            return  # it was approved before somebody disabled it
        who = self._by.user_id or self._by.principal.id
        row.approved_by, row.approved_at = who, self._now
        await self._session.flush()
        scribe = await self._scribe(server)
        if digest is not None and text is not None:
            scribe.seed(row.name, digest, text)
        facts = {"class": row.tool_class, "scope": row.scope, "before": digest}
        scribe.approved(row.name, row.digest, row.definition, facts)

    async def _scribe(self, server: Server) -> Scribe:
        scribe = self._scribes.get(server.slug)
        if scribe is None:
            who = self._by.user_id or self._by.principal.id
            scribe = self._scribes[server.slug] = await Scribe(self._session, server.id, who, self._now).open()
        return scribe

    @staticmethod
    def _pin(row: ToolEntry, part: ToolPart) -> None:
        if part.definition is not None:
            made = pin(part.definition)
            row.definition, row.digest = made.text, made.digest
        elif row.candidate is not None and part.digest is not None and row.candidate_digest == part.digest:
            row.definition, row.digest = row.candidate, part.digest
        if row.candidate_digest == row.digest:
            row.candidate = row.candidate_digest = None

    async def content(self, change: Change) -> None:
        """Pin or change a resource or prompt."""
        part = change.part(ContentPart)
        key: ContentKey = (change.key[0], change.key[1])
        found: Content | None
        found = self._rows.resources.get(key) if change.kind == "resource" else self._rows.prompts.get(key)
        before = (None, None, None) if found is None else (found.state, found.digest, found.definition)
        if found is None:
            table = ResourceEntry if change.kind == "resource" else PromptEntry
            known = self._rows.resources if change.kind == "resource" else self._rows.prompts
            position = sum(one == key[0] for one, _ in known)
            owner = self._rows.servers[key[0]].id
            found = new_content(table, owner, part.name, position, part.definition or {}, is_template=part.template)
            self._session.add(found)
            known[key] = found  # type: ignore[assignment]
        elif "digest" in change.members:
            if part.definition is not None:
                made = pin_content(part.definition)
                lay(found, made.text, made.digest)
            elif found.candidate is not None and found.candidate_digest == part.digest:
                lay(found, found.candidate, part.digest)
            if found.candidate_digest == found.digest:
                found.candidate = found.candidate_digest = None
        if "state" in change.members:
            found.state = part.state
        if found.state == "enabled" and change.members.keys() & {"state", "digest"}:
            await self._approve_content(found, self._rows.servers[key[0]], *before)

    async def _approve_content(
        self, row: Content, server: Server, state: str | None, digest: str | None, text: str | None
    ) -> None:
        """As for a tool."""
        if server.kind == "builtin" or (state == "disabled" and digest == row.digest and row.approved_at is not None):
            return
        row.approved_by, row.approved_at = self._by.user_id or self._by.principal.id, self._now
        await self._session.flush()
        scribe, name, kind = await self._scribe(server), key_of(row), kind_of(row)
        if digest is not None and text is not None:
            scribe.seed(name, digest, text, kind)
        scribe.approved(name, row.digest, row.definition, {"before": digest}, kind)

    async def finish(self) -> None:
        """Raises InvalidArgument where a rule does not fit the server, or a tool's definition, or parts of a credential
        do not fit to each other."""
        for scribe in self._scribes.values():
            await scribe.close()
        for slug, path in self._ruled.items():
            server = self._rows.servers.get(slug)
            if server is None:
                continue
            tools = [row for (one, _), row in self._rows.tools.items() if one == slug]
            try:
                await self._check_server(server, tools)
            except (InvalidArgument, StateConflict) as error:
                raise self._read.wrong(path, f"{slug}: {error.message}", error.hint) from None

    async def _check_server(self, server: Server, tools: list[ToolEntry]) -> None:
        rules = [*stored_rules(server.settings)]
        named = [rule for rule in rules if rule.target == "argument"]
        if named and tools:
            check_against_tools(server.slug, server.kind == "builtin", named, None, tools)
        for tool in tools:
            own = stored_rules(tool.settings)
            rules += own
            mine = [rule for rule in own if rule.target == "argument"]
            if mine:
                check_against_tools(server.slug, server.kind == "builtin", mine, tool, tools)
            if tool.state == "enabled" and (own or named):
                check_definition(server, tool, orjson.loads(tool.definition))
        if any(rule.target == "header" for rule in rules) or server.settings.get(ASSERTION):
            check_takes_headers(server)
        if server.kind == "builtin" and any(rule.target == "meta" for rule in rules):
            raise StateConflict(f"'{server.slug}' is a bundled server, which knows its caller.")
        taken = await self._credentials.check(server)
        for rule in rules:
            if rule.target == "header" and rule.name.lower() in taken:
                raise StateConflict(f"The server already gets a header '{rule.name}' from the vault.")


def _settings(stored: Mapping[str, object], part: ServerPart | ToolPart, assertion: bool | str | None) -> Json:
    """What is to stand in a row: what the file says, and beside it what it says nothing about."""
    kept = dict(stored)
    if part.says("settings"):
        kept = {**{name: value for name, value in kept.items() if name not in SETTINGS}, **part.settings}
    if part.says("inject"):
        kept.pop(INJECT, None)
        if part.inject:
            kept[INJECT] = part.inject
    if isinstance(part, ToolPart) and part.says("figures"):
        kept.pop(FIGURES, None)
        if part.figures:
            kept[FIGURES] = part.figures
    if assertion is not None:
        kept.pop(ASSERTION, None)
        if assertion is not False:
            kept[ASSERTION] = assertion
    return kept


def _ambient(stored: Mapping[str, object]) -> set[Rule]:
    return {rule for rule in stored_rules(stored) if rule.is_ambient and rule.target != "argument"}
