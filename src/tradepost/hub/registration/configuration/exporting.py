"""What a workspace's rows say, as a document: everything that is configured, in an order that does not depend on when
it was, and nothing that is secret or merely observed."""

from collections.abc import Mapping
from typing import Any

import orjson

from tradepost.hub.access import field_rules
from tradepost.hub.access.models import Agent, Profile
from tradepost.hub.limits.quotas import plain
from tradepost.hub.limits.settings import SETTINGS
from tradepost.hub.policy.figures import KEY as FIGURES
from tradepost.hub.registration.audit_settings import Recording
from tradepost.hub.registration.configuration.apis import api_part
from tradepost.hub.registration.configuration.document import (
    FORMAT_VERSION,
    AgentPart,
    AssignmentPart,
    AuditPart,
    ContentPart,
    Document,
    HeaderPart,
    Json,
    PolicyPart,
    ProfilePart,
    ServerPart,
    ToolPart,
)
from tradepost.hub.registration.configuration.oauth import oauth_part
from tradepost.hub.registration.configuration.policies import names_in
from tradepost.hub.registration.configuration.rows import Rows
from tradepost.hub.registration.policies.drafts import shown
from tradepost.hub.registry.dry_runs import dry_run_of
from tradepost.hub.registry.injection_rules import ASSERTION, stored_rules
from tradepost.hub.registry.models import Assignment, PromptEntry, ResourceEntry, Server, ToolEntry
from tradepost.hub.registry.rules import WHAT
from tradepost.hub.upstreams.programs import SCHEME
from tradepost.protocol.api_marks import is_api


def document_of(rows: Rows) -> Document:
    """The document of these rows."""
    return Document(
        format_version=FORMAT_VERSION,
        time_zone=rows.time_zone,
        limits=_limits(rows, None),
        rules=_rules(rows),
        audit=_audit(rows.audit),
        profiles=[
            ProfilePart.model_validate(
                {"slug": row.slug, "name": row.name, "posture": row.posture, "fields": _fields(row)}
            )
            for row in rows.profiles.values()
        ],
        agents=[_agent(rows, row) for row in rows.agents.values()],
        servers=[_server(rows, row) for row in rows.servers.values()],
        assignments=_assignments(rows),
        policies=[PolicyPart.model_validate(shown(rule, names_in(rows))) for rule in rows.policies.values()],
    )


def _limits(rows: Rows, agent: Agent | None) -> dict[str, int | bool]:
    row = rows.workspace_limits if agent is None else rows.limits.get(agent.id)
    return dict(sorted(plain(row.settings).items())) if row is not None else {}


def _rules(rows: Rows) -> dict[str, int | str]:
    stored = rows.rules.settings if rows.rules is not None else {}
    return {name: stored[name] for name in sorted(stored) if name in WHAT}


def _fields(row: Profile) -> dict[str, Json]:
    return {rule.kind: rule.as_stored() for rule in field_rules.rules_in(row.fields)}


def _audit(said: Recording) -> AuditPart:
    return AuditPart(
        arguments=said.arguments,
        tools=dict(sorted(said.tools.items())),
        personal_fields=list(said.personal_fields),
        secret_fields=list(said.secret_fields),
        keep_days=said.keep_days,
    )


def _agent(rows: Rows, row: Agent) -> AgentPart:
    profiles = {profile.id: profile.slug for profile in rows.profiles.values()}
    return AgentPart(
        slug=row.slug,
        profile=profiles[row.profile_id],
        name=row.name,
        description=row.description,
        enabled=row.status == "active",
        scopes=sorted(row.scopes),
        limits=_limits(rows, row),
    )


def _server(rows: Rows, row: Server) -> ServerPart:
    bundled = row.kind == "builtin"
    shown: Json = {"slug": row.slug, "kind": "bundled" if bundled else "remote", "enabled": row.status != "disabled"}
    if not bundled:
        shown |= {
            "name": row.name,
            "url": row.url,
            "secret_url": row.url_hidden,
            "headers": [HeaderPart(name=one.name, secret=one.hidden) for one in rows.headers[row.id]],
        }
        if not (row.url or "").startswith(SCHEME):
            shown["oauth"] = oauth_part(rows.oauth.get(row.id), rows.sealed)
        if is_api(row.url):
            shown["api"] = api_part(rows.apis.get(row.id))
    shown |= {"settings": settings_in(row.settings), "inject": rules_in(row.settings)}
    if not bundled:
        shown["caller_assertion"] = row.settings.get(ASSERTION, False)
    shown["tools"] = [
        _tool(entry, bundled)
        for (slug, _), entry in rows.tools.items()
        if slug == row.slug and not (bundled and entry.state == "removed")
    ]
    if not bundled:
        shown["resources"] = [_content(one) for (slug, _), one in rows.resources.items() if slug == row.slug]
        shown["prompts"] = [_content(one) for (slug, _), one in rows.prompts.items() if slug == row.slug]
    return ServerPart.model_validate(shown)


def _tool(row: ToolEntry, bundled: bool) -> ToolPart:
    shown: Json = {"name": row.name, "state": row.state}
    if not bundled:
        shown |= {"class": row.tool_class, "moves_money": row.moves_money, "scope": row.scope}
    shown |= {"settings": settings_in(row.settings), "inject": rules_in(row.settings), "digest": row.digest}
    if not bundled:
        marked = dry_run_of(row.settings, row.digest) if row.tool_class != "read" else None  # reads are not asked about
        shown |= {
            "figures": row.settings.get(FIGURES, {}),
            "dry_run": marked,
            "definition": orjson.loads(row.definition),
        }
    return ToolPart.model_validate(shown)


def _content(row: ResourceEntry | PromptEntry) -> ContentPart:
    shown: Json = {"name": row.uri if isinstance(row, ResourceEntry) else row.name, "state": row.state}
    if isinstance(row, ResourceEntry):
        shown["template"] = row.is_template
    return ContentPart.model_validate({**shown, "digest": row.digest, "definition": orjson.loads(row.definition)})


def settings_in(stored: Mapping[str, Any]) -> Json:
    """The settings among what stands in a row, by name."""
    return {name: stored[name] for name in sorted(stored) if name in SETTINGS}


def rules_in(stored: Mapping[str, Any]) -> list[Json]:
    """The rules among what stands in a row, by target and name."""
    return [rule.as_stored() for rule in sorted(stored_rules(stored), key=lambda rule: rule.key)]


def _assignments(rows: Rows) -> list[AssignmentPart]:
    found = []
    for (kind, target, (server, tool)), row in rows.assignments.items():
        said = {kind: target, "server": server, "tool": tool, **_shown_as(row)}
        found.append(((kind, target, row.position, server, tool), AssignmentPart.model_validate(said)))
    return [part for _, part in sorted(found, key=lambda one: one[0])]


def _shown_as(row: Assignment) -> Json:
    return {"name": row.exposed_name, "position": row.position, "title": row.title, "description": row.description}
