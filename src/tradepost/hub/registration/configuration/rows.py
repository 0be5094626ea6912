"""All rows of a workspace that a configuration is about, read once, and found by the names that people use."""

from collections import defaultdict
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.hub.access.models import Agent, ApiKey, Profile, ShopperSession
from tradepost.hub.access.person_models import ProfileRole
from tradepost.hub.limits.models import WORKSPACE, LimitSettings
from tradepost.hub.policy.rule import Rule
from tradepost.hub.policy.stored import read_own, read_zone
from tradepost.hub.registration import audit_settings
from tradepost.hub.registration.audit_settings import Recording
from tradepost.hub.registry.api_models import ApiDocument
from tradepost.hub.registry.models import Assignment, PromptEntry, RegistryRules, ResourceEntry, Server, ToolEntry
from tradepost.hub.registry.rules import ROW_ID
from tradepost.hub.upstreams.oauth.kept import CLIENT_SECRET
from tradepost.hub.upstreams.oauth.models import ServerOAuth
from tradepost.hub.vault.models import SealedHeader, SealedValue
from tradepost.hub.vault.vault import URL

ToolKey = tuple[str, str]  # server, tool
TargetKey = tuple[str, str, ToolKey]  # "profile" or "agent", its slug, what is assigned
ContentKey = tuple[str, str]  # server, URI or name


@dataclass(slots=True)
class Rows:
    """By slug and name. `headers`, `oauth` and `apis` are by the id of their server, `limits` by whose they are; `held`
    are the ids of profiles that keys, sessions of shoppers or roles of people belong to, `sealed` those of rows whose
    secret is in the vault: a server's URL, an OAuth client's."""

    profiles: dict[str, Profile] = field(default_factory=dict)
    agents: dict[str, Agent] = field(default_factory=dict)
    servers: dict[str, Server] = field(default_factory=dict)
    headers: dict[str, list[SealedHeader]] = field(default_factory=lambda: defaultdict(list))
    oauth: dict[str, ServerOAuth] = field(default_factory=dict)
    apis: dict[str, ApiDocument] = field(default_factory=dict)
    sealed: set[str] = field(default_factory=set)
    tools: dict[ToolKey, ToolEntry] = field(default_factory=dict)
    resources: dict[ContentKey, ResourceEntry] = field(default_factory=dict)
    prompts: dict[ContentKey, PromptEntry] = field(default_factory=dict)
    assignments: dict[TargetKey, Assignment] = field(default_factory=dict)
    limits: dict[str, LimitSettings] = field(default_factory=dict)
    rules: RegistryRules | None = None
    audit: Recording = field(default_factory=Recording)
    policies: dict[str, Rule] = field(default_factory=dict)
    time_zone: str = "UTC"
    held: set[str] = field(default_factory=set)

    @property
    def workspace_limits(self) -> LimitSettings | None:
        """What was set for the whole workspace."""
        return self.limits.get(WORKSPACE)


async def read_rows(session: AsyncSession) -> Rows:
    """The rows of the session's workspace."""
    found = Rows()
    found.profiles = {row.slug: row for row in await session.scalars(select(Profile).order_by(Profile.slug))}
    found.agents = {row.slug: row for row in await session.scalars(select(Agent).order_by(Agent.slug))}
    found.servers = {row.slug: row for row in await session.scalars(select(Server).order_by(Server.slug))}
    for column in (ApiKey.profile_id, ShopperSession.profile_id, ProfileRole.profile_id):
        found.held.update(held for held in await session.scalars(select(column).distinct()) if held is not None)
    found.limits = {row.id: row for row in await session.scalars(select(LimitSettings))}
    found.rules = await session.scalar(select(RegistryRules).where(RegistryRules.id == ROW_ID))
    found.oauth = {row.server_id: row for row in await session.scalars(select(ServerOAuth))}
    found.apis = {row.server_id: row for row in await session.scalars(select(ApiDocument))}
    found.sealed = set(
        await session.scalars(select(SealedValue.owner_id).where(SealedValue.name.in_((URL, CLIENT_SECRET))))
    )
    slugs = {row.id: row.slug for row in found.servers.values()}
    for header in await session.scalars(select(SealedHeader).order_by(SealedHeader.name)):
        found.headers[header.server_id].append(header)
    tools = {}
    for tool in await session.scalars(select(ToolEntry).order_by(ToolEntry.name)):
        tools[tool.id] = (slugs[tool.server_id], tool.name)
        found.tools[tools[tool.id]] = tool
    for resource in await session.scalars(select(ResourceEntry).order_by(ResourceEntry.uri)):
        found.resources[slugs[resource.server_id], resource.uri] = resource
    for prompt in await session.scalars(select(PromptEntry).order_by(PromptEntry.name)):
        found.prompts[slugs[prompt.server_id], prompt.name] = prompt
    profiles = {row.id: row.slug for row in found.profiles.values()}
    agents = {row.id: row.slug for row in found.agents.values()}
    for row in await session.scalars(select(Assignment)):
        if row.agent_id is not None:
            found.assignments["agent", agents[row.agent_id], tools[row.tool_entry_id]] = row
        else:
            found.assignments["profile", profiles[row.profile_id or ""], tools[row.tool_entry_id]] = row
    found.time_zone = await read_zone(session)
    found.audit = await audit_settings.in_force(session)
    found.policies = {rule.name: rule for rule in await read_own(session)}
    return found
