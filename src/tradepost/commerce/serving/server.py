"""StoreServer: a named MCP server over the store, satisfying the BuiltinServer port.

A read runs in a read-only transaction. A write runs in one transaction with the row of its idempotency key, so that
effect and key stand or fall together; the same key again gives the same result and no second effect. A preview runs
the same code and rolls back.
"""

import asyncio
import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.exc import StaleDataError

from tradepost.commerce.serving import results
from tradepost.commerce.serving.declare import Answer, Guide, Prompt, Resource, Tool, refuse_nul
from tradepost.commerce.serving.previews import preview_of
from tradepost.commerce.serving.refusals import answered_in_words, may_pass
from tradepost.commerce.serving.resting import require_unmoved, undo_of
from tradepost.commerce.serving.suggesting import Suggest, nothing_to_suggest
from tradepost.commerce.serving.uris import match_uri
from tradepost.commerce.store.bookings import keep_books
from tradepost.commerce.store.changes import ChangeLog
from tradepost.commerce.store.models import Operation, StoreSettings
from tradepost.commerce.store.privacy import PII_SCOPE, hearing_hidden, is_shopper
from tradepost.commerce.store.store import Store
from tradepost.commerce.store.touched import telling
from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller
from tradepost.foundation.canonical import digest
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import (
    ForbiddenScope,
    IdempotencyConflict,
    InvalidArgument,
    NotFound,
    TradepostError,
    VersionConflict,
)
from tradepost.protocol.builtin import Definitions, Expects, Json, Mode, ToolResult

SETTINGS_SECONDS = 2.0
ATTEMPTS = 3
MAX_COMPLETED = 100  # characters typed so far
FRAMEWORK_ARGUMENTS = ("idempotency_key", "dry_run", "expected_version")


@dataclass
class StoreServer:
    """One named server: the tools, resources and prompts of a few domains. `free_text` off leaves out all text that
    outsiders wrote (C13)."""

    slug: str
    title: str
    instructions: str
    database: Database
    tools: Sequence[Tool]
    resources: Sequence[Resource] = ()
    prompts: Sequence[Prompt] = ()
    now: Now = system_now
    free_text: bool = True
    suggest: Suggest = nothing_to_suggest
    _settings: dict[str, tuple[float, str, datetime | None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._tools = {tool.name: tool for tool in self.tools}
        self._prompts = {prompt.name: prompt for prompt in self.prompts}

    def definitions(self) -> Definitions:
        """All it offers, in the order of its declaration."""
        return Definitions(
            tools=[tool.definition() for tool in self.tools],
            resources=[item.definition() for item in self.resources if not item.is_template],
            resource_templates=[item.definition() for item in self.resources if item.is_template],
            prompts=[prompt.definition() for prompt in self.prompts],
            instructions=self.instructions,
            tool_classes={tool.name: tool.tool_class for tool in self.tools},
            tool_scopes={tool.name: tool.scope for tool in self.tools},
            money_tools=frozenset(tool.name for tool in self.tools if tool.money),
            resource_scopes={item.template: item.scope for item in self.resources},
            prompt_scopes={prompt.name: prompt.scope for prompt in self.prompts},
        )

    async def call(
        self,
        caller: Caller,
        name: str,
        arguments: Json,
        key: str | None,
        mode: Mode = "execute",
        expects: Expects | None = None,
    ) -> ToolResult:
        """See BuiltinServer.call."""
        tool = self._tools.get(name)
        if tool is None:
            raise NotFound(f"The server '{self.slug}' has no tool '{name}'.", hint="List its tools.")
        try:
            with answered_in_words():
                return await self._call(caller, tool, arguments, key, mode, expects)
        except TradepostError as error:
            return results.failed(error)

    async def read(self, caller: Caller, uri: str) -> Json:
        """See BuiltinServer.read."""
        item, variables = self._resource(caller, uri)
        with answered_in_words():
            value = await self._value(caller, item, variables)
        return {"contents": [_content(uri, item.mime_type, value)]}

    async def watched(self, caller: Caller, uri: str) -> str | None:
        """See BuiltinServer.watched. Reads the resource: what that refuses cannot be watched either."""
        item, variables = self._resource(caller, uri)
        if item.record is None:
            return None
        with answered_in_words():
            await self._value(caller, item, variables)
            async with self.database.transaction(caller.workspace_id, write=False) as session:
                return await item.record(await self._store(session, caller), **variables)

    async def prompt(self, caller: Caller, name: str, arguments: Mapping[str, str]) -> Json:
        """See BuiltinServer.prompt."""
        prompt = self._prompts.get(name)
        if prompt is None:
            raise NotFound(f"No prompt '{name}' was found.", hint="List the prompts of this server.")
        _require_scope(caller, prompt.scope)
        known = {argument["name"] for argument in prompt.arguments}
        required = {argument["name"] for argument in prompt.arguments if argument["required"]}
        for missing in sorted(required - arguments.keys()):
            raise InvalidArgument(f"The prompt '{name}' needs the argument '{missing}'.", field=missing)
        for unknown in sorted(arguments.keys() - known):
            raise InvalidArgument(f"The prompt '{name}' has no argument '{unknown}'.", field=unknown)
        for argument, value in arguments.items():
            refuse_nul(argument, value)
        with answered_in_words():
            guide = await self._guide(caller, prompt, arguments)
        messages = [{"role": "user", "content": {"type": "text", "text": guide.text}}]
        for uri, value in guide.resources:
            block = {"type": "resource", "resource": _content(uri, "application/json", value)}
            messages.append({"role": "user", "content": block})
        return {"description": prompt.description, "messages": messages}

    async def complete(self, caller: Caller, reference: Json, argument: str, value: str) -> Json:
        """See BuiltinServer.complete. Suggests nothing for free arguments, and nothing without the scope."""
        named = self._named(caller, reference, argument)
        if named is None or len(value) > MAX_COMPLETED or "\0" in value:
            return {"values": [], "total": 0, "hasMore": False}
        with answered_in_words():
            async with self.database.transaction(caller.workspace_id, write=False) as session:
                found = await self.suggest(await self._store(session, caller), named, value)
        answer: Json = {"values": found.values, "hasMore": found.more}
        return answer if found.more else {**answer, "total": len(found.values)}

    # ---

    def _named(self, caller: Caller, reference: Json, argument: str) -> str | None:
        """What kind of name the argument of a prompt or of a resource template takes."""
        if reference.get("type") == "ref/prompt":
            prompt = self._prompts.get(str(reference.get("name")))
            known = prompt is not None and any(one["name"] == argument for one in prompt.arguments)
            return argument if known and prompt is not None and caller.has_scope(prompt.scope) else None
        for item in self.resources:
            if item.template == reference.get("uri") and f"{{{argument}}}" in item.template:
                return item.template.partition("://")[0] if caller.has_scope(item.scope) else None
        return None

    def _resource(self, caller: Caller, uri: str) -> tuple[Resource, Mapping[str, str]]:
        """The resource that answers for a URI. Raises NotFound, ForbiddenScope."""
        for item in self.resources:
            variables = match_uri(item.template, uri)
            if variables is not None:
                _require_scope(caller, item.scope)
                return item, variables
        raise NotFound(f"No resource '{uri}' was found.", hint="List the resources and templates of this server.")

    async def _value(self, caller: Caller, item: Resource, variables: Mapping[str, str]) -> Any:
        async with self.database.transaction(caller.workspace_id, write=False) as session:
            return await item.function(await self._store(session, caller), **variables)

    async def _guide(self, caller: Caller, prompt: Prompt, arguments: Mapping[str, str]) -> Guide:
        async with self.database.transaction(caller.workspace_id, write=False) as session:
            guide: Guide = await prompt.function(await self._store(session, caller), **arguments)
            return guide

    async def _call(
        self, caller: Caller, tool: Tool, arguments: Json, key: str | None, mode: Mode, expects: Expects | None
    ) -> ToolResult:
        _require_scope(caller, tool.scope)
        if not tool.writes:
            checked = tool.check(arguments)
            async with self.database.transaction(caller.workspace_id, write=False, quick=tool.quick) as session:
                return results.done(await tool.function(await self._store(session, caller, asked=checked), **checked))
        dry_run = arguments.get("dry_run") is True
        if dry_run and "idempotency_key" not in arguments:
            arguments = {**arguments, "idempotency_key": "dry-run"}  # a dry run leaves nothing to repeat
        checked = tool.check(arguments)
        own = {name: value for name, value in checked.items() if name not in FRAMEWORK_ARGUMENTS}
        if dry_run or mode == "preview":
            preview = await self._preview(caller, tool, own, checked["expected_version"], expects)
            if mode == "preview":
                return preview
            if is_shopper(caller):
                return results.could_be_done()
            return ToolResult(preview.content, {"status": "dry_run", "replayed": False, "preview": preview.structured})
        return await self._execute_with_retries(caller, tool, own, checked, key or checked["idempotency_key"], expects)

    async def _preview(
        self,
        caller: Caller,
        tool: Tool,
        own: dict[str, Any],
        expected_version: int | None,
        expects: Expects | None,
    ) -> ToolResult:
        caller = replace(caller, scopes=caller.scopes - {PII_SCOPE})  # it goes to agents and into mails as it is
        async with self.database.transaction(caller.workspace_id, write=True) as session:
            changes = ChangeLog(session)
            store = await self._store(session, caller, changes=changes, expected_version=expected_version)
            with hearing_hidden() as hidden:
                answer = await _run(tool, store, own)
                await require_unmoved(store, changes, expects)
                shown, whole = await preview_of(store, changes, tool.title)
            personal = {"changes": whole, "words": {mask: text for mask, text in hidden.items() if text is not None}}
            preview = results.previewed(shown, personal, answer)
            await session.rollback()
        return preview

    async def _execute_with_retries(
        self,
        caller: Caller,
        tool: Tool,
        own: dict[str, Any],
        checked: dict[str, Any],
        key: str,
        expects: Expects | None,
    ) -> ToolResult:
        operation_id = _operation_id(caller, tool.name, key)
        fingerprint = digest(orjson.loads(orjson.dumps(own, default=str)))
        for attempt in range(1, ATTEMPTS + 1):
            try:
                version = checked["expected_version"]
                return await self._execute(caller, tool, own, version, operation_id, fingerprint, expects)
            except DBAPIError as error:
                if attempt == ATTEMPTS or not may_pass(error, operation_id):
                    raise
                await asyncio.sleep(0.02 * attempt)  # another transaction held the rows: let it finish
        raise AssertionError("unreachable")

    async def _execute(
        self,
        caller: Caller,
        tool: Tool,
        own: dict[str, Any],
        expected_version: int | None,
        operation_id: str,
        fingerprint: str,
        expects: Expects | None,
    ) -> ToolResult:
        async with self.database.transaction(caller.workspace_id, write=True) as session:
            before = await session.get(Operation, (caller.workspace_id, operation_id))
            if before is not None:
                if before.fingerprint != fingerprint:
                    raise IdempotencyConflict(
                        f"This idempotency_key was used for {tool.name} with other arguments.",
                        hint="Use a new key for a new intent; repeat the first arguments to get the first result.",
                        field="idempotency_key",
                    )
                done = before.result
                return results.written(Answer(done["data"], done["text"]), replayed=True, undo=done.get("undo"))
            operation = Operation(id=operation_id, tool=tool.name, fingerprint=fingerprint, result={})
            session.add(operation)
            await session.flush()  # a twin waits here until we commit, then finds our result
            changes = ChangeLog(session) if expects is not None or tool.undo_for is not None else None
            store = await self._store(session, caller, changes=changes, expected_version=expected_version)
            async with telling(store):
                answer = await _run(tool, store, own)
            undo = None
            if changes is not None:
                await require_unmoved(store, changes, expects)
                undo = undo_of(store, changes, tool.undo_for)
            operation.result = {"data": answer.data, "text": answer.text, **({} if undo is None else {"undo": undo})}
            return results.written(answer, replayed=False, undo=undo)

    async def _store(self, session: AsyncSession, caller: Caller, **options: Any) -> Store:
        known = self._settings.get(caller.workspace_id)
        if known is None or time.monotonic() - known[0] > SETTINGS_SECONDS:
            row = (await session.execute(select(StoreSettings.currency, StoreSettings.fixed_now))).first()
            known = (time.monotonic(), row.currency if row else "EUR", row.fixed_now if row else None)
            if row is not None:
                self._settings[caller.workspace_id] = known
        _, currency, fixed_now = known
        return Store(session, caller, fixed_now or self.now(), currency, free_text=self.free_text, **options)


async def _run(tool: Tool, store: Store, own: dict[str, Any]) -> Answer[Any]:
    keep_books(store.session)
    try:
        answer = await tool.function(store, **own)
        await store.session.flush()
    except StaleDataError as error:
        raise VersionConflict(
            "Somebody changed the record at the same moment.", hint="Read it again and repeat the call."
        ) from error
    return answer


def _require_scope(caller: Caller, scope: str) -> None:
    if not caller.has_scope(scope):
        raise ForbiddenScope(
            f"This needs the scope {scope}.",
            hint="Ask an admin of the workspace to grant it.",
            details={"scope": scope},
        )


def _operation_id(caller: Caller, tool: str, key: str) -> str:
    named = f"{caller.principal.kind}:{caller.principal.id}\n{tool}\n{key}"
    return "op_" + hashlib.sha256(named.encode()).hexdigest()[:40]


def _content(uri: str, mime_type: str, value: Any) -> Json:
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return {"uri": uri, "mimeType": mime_type, "text": text}
