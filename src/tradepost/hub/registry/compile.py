"""Rows in, catalog out: pure, deterministic, the same bytes on every replica."""

from collections.abc import Iterable, Sequence
from types import MappingProxyType

from tradepost.hub.access.scopes import needed_scope
from tradepost.hub.limits.settings import Limits, limits_of
from tradepost.hub.policy.figures import KEY as FIGURES
from tradepost.hub.policy.figures import declared_of
from tradepost.hub.registry.catalog import Catalog, CatalogPrompt, CatalogResource, CatalogTool
from tradepost.hub.registry.dry_runs import dry_run_of
from tradepost.hub.registry.exposure import NOTHING_HIDDEN, NOTHING_INSIDE, Words, exposed_tool
from tradepost.hub.registry.folding import META_TOOLS, REST, Folded
from tradepost.hub.registry.injection import injection_of
from tradepost.hub.registry.pinned import pinned
from tradepost.hub.registry.rows import AgentRows, ContentRow, ServerRow, ToolRow

NOTHING = (NOTHING_HIDDEN, NOTHING_INSIDE)


def compile_catalog(rows: AgentRows, scopes: frozenset[str], only: ServerRow | None = None) -> Catalog:
    """The catalog of an agent with these scopes; `only` narrows it to one server with the names unchanged."""
    chosen = _without_doubles(rows.tools) if only is None else _of_server(rows.tools, only)
    folds = only is None and _are_too_many(chosen, rows.rules.visible_tools)
    if not folds:
        chosen = [row for row in chosen if not (row.always and row.name in META_TOOLS)]
    contents = (*rows.resources, *rows.prompts)
    shortens = any(_may_be_shortened(row, rows) for row in chosen) or any(
        _content_limits(rows.servers[row.server_id], rows).result_tokens > 0
        for row in contents
        if row.server_id in rows.servers
    )
    if only is None and not shortens:
        chosen = [row for row in chosen if not (row.always and row.name == REST)]
    ordered = sorted(chosen, key=lambda row: (row.position, row.exposed_name if only is None else row.name))
    tools: dict[str, CatalogTool] = {}
    pieces: dict[str, bytes] = {}
    listed: list[bytes] = []
    for row in ordered:
        server = rows.servers[row.server_id]
        tool = _tool(row, server, row.name if only is not None else row.exposed_name, _limits(row, rows))
        tools[tool.exposed_name] = tool
        hidden = NOTHING if tool.injected is None else (tool.injected.hidden, tool.injected.hidden_inside)
        words = Words(row.title, row.description)
        piece = exposed_tool(row.definition, row.name, tool.exposed_name, server.kind, row.tool_class, *hidden, words)
        pieces[tool.exposed_name] = piece
        if row.always or not folds:
            listed.append(piece)
    visible = {only.id: only} if only is not None else rows.servers
    seen = _seen(rows.resources, visible, scopes)
    texts = {row.entry_id: row.definition.encode() for row in (*rows.resources, *rows.prompts)}
    entries = [_resource(row, visible[row.server_id], rows) for row in seen]
    fixed = [entry for entry in entries if not entry.is_template]
    templates = tuple(entry for entry in entries if entry.is_template)
    prompts = [_prompt(row, visible[row.server_id], rows) for row in _seen(rows.prompts, visible, scopes)]
    every: list[CatalogTool | CatalogResource | CatalogPrompt] = [*prompts, *entries, *tools.values()]
    remotes = {one.server_id: one for one in every if one.server_kind == "remote"}
    return Catalog(
        version=rows.version,
        tools=MappingProxyType(tools),
        prompts=MappingProxyType({prompt.name: prompt for prompt in prompts}),
        resources=MappingProxyType({entry.uri: entry for entry in fixed}),
        templates=templates,
        tools_json=_array(listed),
        folded=Folded(pieces) if folds else None,
        resources_json=_array(texts[entry.entry_id] for entry in fixed),
        templates_json=_array(texts[entry.entry_id] for entry in templates),
        remotes=tuple(remotes.values()),
        prompts_json=_array(texts[prompt.entry_id] for prompt in prompts),
        server_slug=only.slug if only is not None else None,
        server_title=only.name if only is not None else None,
        instructions=only.instructions if only is not None else "",
    )


def _are_too_many(rows: Sequence[ToolRow], most: int) -> bool:
    """Whether tools are found and loaded instead of listed: only where there is what finds and loads them."""
    own = {row.name for row in rows if row.always}
    return own >= META_TOOLS and sum(not row.always for row in rows) > most


def _without_doubles(rows: Iterable[ToolRow]) -> list[ToolRow]:
    """An agent's own assignment wins over its profile's, both for the same tool and for the same name."""
    by_entry: dict[str, ToolRow] = {}
    by_name: dict[str, ToolRow] = {}
    for row in sorted(rows, key=lambda row: (not row.own, row.position, row.exposed_name, row.entry_id)):
        if row.entry_id not in by_entry and row.exposed_name not in by_name:
            by_entry[row.entry_id] = by_name[row.exposed_name] = row
    return list(by_entry.values())


def _of_server(rows: Iterable[ToolRow], server: ServerRow) -> list[ToolRow]:
    of_it = sorted((row for row in rows if row.server_id == server.id), key=lambda row: row.own)
    return list({row.entry_id: row for row in of_it}.values())  # an agent's own assignment last: its words win


def _limits(row: ToolRow, rows: AgentRows) -> Limits:
    """What the hub's own tools give is bounded, and what they give of other tools was held to those tools' budgets."""
    server = rows.servers[row.server_id]
    own = {**row.settings, "result_tokens": 0} if row.always else row.settings
    return limits_of(server.settings, own, rows.rules.result_tokens, bundled=server.kind == "builtin")


def _content_limits(server: ServerRow, rows: AgentRows) -> Limits:
    """Of resources and prompts: their server's, or the workspace's."""
    return limits_of(server.settings, None, rows.rules.result_tokens, bundled=server.kind == "builtin")


def _may_be_shortened(row: ToolRow, rows: AgentRows) -> bool:
    return not row.always and _limits(row, rows).result_tokens > 0


def _tool(row: ToolRow, server: ServerRow, exposed_name: str, limits: Limits) -> CatalogTool:
    return CatalogTool(
        row.entry_id,
        server.id,
        server.slug,
        server.kind,
        server.builtin_key,
        row.name,
        exposed_name,
        row.tool_class,
        row.moves_money,
        needed_scope(row.scope, server.slug, server.kind, row.tool_class),
        row.definition,
        row.digest,
        server.url,
        server.credential_version,
        limits,
        injection_of(server.settings, row.settings, row.definition, server.url),
        declared_of(row.settings.get(FIGURES)) if row.settings else None,
        dry_run_of(row.settings, row.digest) if row.settings else None,
    )


def _seen(rows: Sequence[ContentRow], servers: dict[str, ServerRow], scopes: frozenset[str]) -> list[ContentRow]:
    """What the scopes allow, servers by slug, each server's entries in its own order; a URI or prompt name belongs to
    one server, the first that has it."""
    allowed = []
    for row in rows:
        server = servers.get(row.server_id)
        if server is not None and needed_scope(row.scope, server.slug, server.kind) in (None, *scopes):
            allowed.append(row)
    first: dict[str, ContentRow] = {}
    for row in sorted(allowed, key=lambda row: servers[row.server_id].slug):
        first.setdefault(row.key, row)
    return list(first.values())


def _resource(row: ContentRow, server: ServerRow, rows: AgentRows) -> CatalogResource:
    return CatalogResource(
        entry_id=row.entry_id,
        server_id=server.id,
        server_slug=server.slug,
        server_kind=server.kind,
        builtin_key=server.builtin_key,
        uri=row.key,
        is_template=row.is_template,
        definition=pinned(row.definition).definition,
        scope=needed_scope(row.scope, server.slug, server.kind),
        server_url=server.url,
        credential_version=server.credential_version,
        limits=_content_limits(server, rows),
        watches=server.watches and (row.is_template or server.kind == "remote"),
        injected=injection_of(server.settings, {}, None, server.url),
    )


def _prompt(row: ContentRow, server: ServerRow, rows: AgentRows) -> CatalogPrompt:
    return CatalogPrompt(
        entry_id=row.entry_id,
        server_id=server.id,
        server_slug=server.slug,
        server_kind=server.kind,
        builtin_key=server.builtin_key,
        name=row.key,
        definition=pinned(row.definition).definition,
        scope=needed_scope(row.scope, server.slug, server.kind),
        server_url=server.url,
        credential_version=server.credential_version,
        limits=_content_limits(server, rows),
        injected=injection_of(server.settings, {}, None, server.url),
    )


def _array(pieces: Iterable[bytes]) -> bytes:
    return b"[" + b",".join(pieces) + b"]"
