"""The servers of the shop, made of what its modules declare."""

from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import TypeVar

from tradepost.commerce.declared import MODULES, SHOPPER_MODULES
from tradepost.commerce.flows.completing import suggest
from tradepost.commerce.flows.self_service.my_completing import suggest_mine
from tradepost.commerce.plans import PLANS, Plan
from tradepost.commerce.serving.declare import Prompt, Resource, Tool
from tradepost.commerce.serving.server import StoreServer
from tradepost.database.engine import Database
from tradepost.foundation.clock import Now, system_now

Item = TypeVar("Item")


def build_servers(store: Database, now: Now = system_now, *, free_text: bool = True) -> tuple[StoreServer, ...]:
    """All servers over one store. `free_text` off leaves out all text that outsiders wrote."""
    return tuple(_built(plan, store, now, free_text=free_text) for plan in PLANS)


def _built(plan: Plan, store: Database, now: Now, *, free_text: bool) -> StoreServer:
    modules = SHOPPER_MODULES if plan.for_customers else MODULES
    tools = {tool.name: tool for tool in _declared(modules, "TOOLS", Tool)}
    resources = {item.template: item for item in _declared(modules, "RESOURCES", Resource)}
    prompts = {prompt.name: prompt for prompt in _declared(modules, "PROMPTS", Prompt)}
    return StoreServer(
        slug=plan.slug,
        title=plan.title,
        instructions=plan.instructions,
        database=store,
        tools=[tools[name] for name in plan.tools.split()],
        resources=[resources[template] for template in plan.resources.split()],
        prompts=[prompts[name] for name in plan.prompts.split()],
        now=now,
        free_text=free_text,
        suggest=suggest_mine if plan.for_customers else suggest,
    )


def _declared(modules: Iterable[ModuleType], name: str, kind: type[Item]) -> Sequence[Item]:
    return [item for module in modules for item in getattr(module, name, ()) if isinstance(item, kind)]
