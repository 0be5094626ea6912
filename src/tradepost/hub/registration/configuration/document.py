"""The shape of a configuration file. Everything is named by what people call it, nothing by the id of a row, so that a
file means the same in every hub. No member can hold a secret: of headers it has the names, of a secret URL the origin.

What a file leaves out stays as it is; what it says, holds. The export says everything.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from tradepost.hub.access.models import Posture
from tradepost.hub.registry.catalog import ToolClass
from tradepost.hub.registry.models import ToolState

FORMAT_VERSION: Final = 1
MAX_TEXT = 10_000

Json = dict[str, Any]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Words = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Text = Annotated[str, Field(max_length=MAX_TEXT, pattern=r"^[^\x00]*$")]
Url = Annotated[str, Field(min_length=1, max_length=2_048, pattern=r"^[^\x00-\x1f\x7f]+$")]
Key = Annotated[str, Field(min_length=1, max_length=2_048)]
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


class Part(BaseModel):
    """One thing in the file: no members but those that there are, no value of another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=True)

    def says(self, member: str) -> bool:
        """Whether the file says something about a member."""
        return member in self.model_fields_set


class ProfilePart(Part):
    """A group of agents. `fields` says what becomes of personal data in what they get, by kind (access.field_rules)."""

    slug: Name
    name: Words = ""
    posture: Posture = "propose"
    fields: dict[Name, Json] = Field(default_factory=dict)


class AgentPart(Part):
    """An agent. Its keys are none of the file's business. `limits` are its own, lower than the workspace's."""

    slug: Name
    profile: Name
    name: Words = ""
    description: Text = ""
    enabled: bool = True
    scopes: list[Name] = Field(default_factory=list)
    limits: dict[Name, int | bool] = Field(default_factory=dict)


class HeaderPart(Part):
    """That a server is sent a header. Its value is never told."""

    name: Name
    secret: bool = True


class OAuthPart(Part):
    """On which terms a server gives out tokens. `client_secret` says that the client has one; nobody's account is part
    of it. An issuer, a token URL, a method or a resource that is not said is what the server says."""

    flow: Literal["client_credentials", "authorization_code"]
    per_user: bool = False
    client_id: Url | None = None
    client_secret: bool = False
    method: Literal["client_secret_basic", "client_secret_post"] | None = None
    token_url: Url | None = None
    issuer: Url | None = None
    scopes: list[Name] = Field(default_factory=list)
    resource: Url | None = None


class ApiPart(Part):
    """What was chosen of a REST API's document, which is read at `source` or stands here. Names and fields are by
    operation: `GET /orders/{id}`."""

    source: Url | None = None
    operations: list[Key] = Field(default_factory=lambda: ["all"])
    names: dict[Key, Name] = Field(default_factory=dict)
    fields: dict[Key, list[Name]] = Field(default_factory=dict)
    key_header: Name | None = None
    checks_answers: bool = True
    document: Json | None = None


class ToolPart(Part):
    """A tool. `digest` stands for the definition that a person approved; with the definition itself, a hub can take the
    tool over without asking its server. `figures`: where rules find what a call is about (policy.figures). `dry_run` is
    the argument with which this very definition only says what it would do. Class, scope, definition and digest of a
    bundled tool come with the release."""

    name: Name
    state: ToolState = "unapproved"
    tool_class: ToolClass = Field("write", alias="class")
    moves_money: bool = False
    scope: Name | None = None
    settings: Json = Field(default_factory=dict)
    inject: list[Json] = Field(default_factory=list)
    figures: dict[Name, str] = Field(default_factory=dict)
    dry_run: Name | None = None
    digest: Digest | None = None
    definition: Json | None = None


class ContentPart(Part):
    """A resource (named by its URI), a template of resources (by its pattern) or a prompt."""

    name: str = Field(min_length=1, max_length=2_048)
    state: ToolState = "unapproved"
    template: bool = False
    digest: Digest
    definition: Json | None = None


class ServerPart(Part):
    """A server. `kind` tells whether it is somewhere else or part of the program. Of a `secret_url` the file has the
    origin, of `oauth` the terms; `api` is for a REST API, whose `url` is `openapi:` and its base."""

    slug: Name
    kind: Literal["remote", "bundled"] = "remote"
    name: Words = ""
    url: Annotated[str, Field(min_length=1, max_length=2_048)] | None = None
    secret_url: bool = False
    enabled: bool = True
    headers: list[HeaderPart] = Field(default_factory=list)
    oauth: OAuthPart | None = None
    api: ApiPart | None = None
    settings: Json = Field(default_factory=dict)
    inject: list[Json] = Field(default_factory=list)
    caller_assertion: bool | Annotated[str, Field(min_length=1, max_length=500)] = False
    tools: list[ToolPart] = Field(default_factory=list)
    resources: list[ContentPart] = Field(default_factory=list)
    prompts: list[ContentPart] = Field(default_factory=list)


class AssignmentPart(Part):
    """A tool made visible to the agents of a profile, or to one agent, under a name. `title` and `description` are an
    admin's own words in place of the server's, which null leaves."""

    profile: Name | None = None
    agent: Name | None = None
    server: Name
    tool: Name
    name: Name | None = None
    position: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    title: str | None = None
    description: Text | None = None


class PolicyPart(Part):
    """A rule for what agents may do, or a freeze, as registration.policies.drafts has it."""

    name: Name
    kind: Literal["rule", "freeze"] = "rule"
    outcome: Literal["allow", "ask", "deny"]
    reason: Text
    when: Text | None = None
    profile: Name | None = None
    agent: Name | None = None
    server: Name | None = None
    tool: Name | None = None
    tool_class: ToolClass | None = Field(None, alias="class")
    order: int = 100
    enabled: bool = True
    approvals: int = 1
    expires_minutes: int | None = None
    caller_may_confirm: bool = False
    approver_role: Literal["operator", "admin", "owner"] | None = None
    loosens: bool = False
    window: Json | None = None


class AuditPart(Part):
    """What the record keeps of the arguments of calls, and for how many days it keeps rows (audit_settings)."""

    arguments: Name = "masked"
    tools: dict[Name, Name] = Field(default_factory=dict)
    personal_fields: list[Name] = Field(default_factory=list)
    secret_fields: list[Name] = Field(default_factory=list)
    keep_days: int | None = None


class Document(Part):
    """A whole file. A list that it does not have is none of its business. In `time_zone` are the workspace's days and
    hours, for rules."""

    format_version: Literal[1]
    time_zone: Name = "UTC"
    limits: dict[Name, int | bool] = Field(default_factory=dict)
    rules: dict[Name, int | str] = Field(default_factory=dict)
    audit: AuditPart = Field(default_factory=AuditPart)
    profiles: list[ProfilePart] = Field(default_factory=list)
    agents: list[AgentPart] = Field(default_factory=list)
    servers: list[ServerPart] = Field(default_factory=list)
    assignments: list[AssignmentPart] = Field(default_factory=list)
    policies: list[PolicyPart] = Field(default_factory=list)


def as_plain(document: Document) -> Json:
    """What a document says, as JSON or YAML has it."""
    return document.model_dump(by_alias=True, exclude_unset=True)
