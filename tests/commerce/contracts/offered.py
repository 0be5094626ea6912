"""All that the bundled servers offer, as tests go through it. Its database does not exist: definitions need none."""

from tradepost.commerce.servers import build_servers
from tradepost.commerce.serving.declare import Prompt, Resource, Tool
from tradepost.database.engine import Database

SERVERS = build_servers(Database("sqlite:////nowhere/none.db"))
TOOLS: tuple[Tool, ...] = tuple(tool for server in SERVERS for tool in server.tools)
RESOURCES: tuple[Resource, ...] = tuple(item for server in SERVERS for item in server.resources)
PROMPTS: tuple[Prompt, ...] = tuple(prompt for server in SERVERS for prompt in server.prompts)

_SUBJECTS = (
    "content orders customers media sites inventory purchasing logistics returns claims payments billing support"
)
SCOPES = frozenset(f"{verb}:{subject}" for verb in ("read", "write") for subject in _SUBJECTS.split()) | {
    "read:analytics",
    "read:settlement",
    "read:policies",
    "delete:sites",
    "me:orders.read",
    "me:orders.write",
    "me:returns",
    "me:invoices",
}

# C9. `in_progress` is what a duplicate in flight gets (C8). `unavailable` is left out on purpose: over a healthy
# store it only ever hides a mistake of ours.
CODES = frozenset(
    """not_found forbidden_scope invalid_argument state_conflict version_conflict idempotency_conflict
    approval_required limit_exceeded upstream_timeout upstream_error rate_limited in_progress""".split()
)


def names(tool: Tool) -> str:
    """How pytest calls a test of one tool."""
    return tool.name
