"""The named servers: what they group, and that nothing is lost or offered twice."""

from collections import Counter

import pytest

from tests.commerce.contracts.offered import PROMPTS, RESOURCES, SCOPES, SERVERS, TOOLS
from tradepost.commerce.declared import MODULES, SHOPPER_MODULES
from tradepost.commerce.serving.declare import Prompt, Resource, Tool
from tradepost.commerce.serving.server import StoreServer

FOR_SHOPPERS_TOO = ("where_is_my_order", "start_a_return")

every_server = pytest.mark.parametrize("server", SERVERS, ids=lambda server: str(server.slug))


def declared(kind: type) -> list[object]:
    groups = ("TOOLS", "RESOURCES", "PROMPTS")
    items = [item for module in (*MODULES, *SHOPPER_MODULES) for group in groups for item in getattr(module, group, ())]
    return [item for item in items if isinstance(item, kind)]


def test_everything_declared_is_offered_by_exactly_one_server() -> None:
    offered = Counter(tool.name for tool in TOOLS)
    assert offered == Counter(tool.name for tool in declared(Tool) if isinstance(tool, Tool))
    templates = Counter(item.template for item in RESOURCES)
    assert templates == Counter(item.template for item in declared(Resource) if isinstance(item, Resource))
    prompts = Counter(prompt.name for prompt in PROMPTS)
    assert prompts == Counter(prompt.name for prompt in declared(Prompt) if isinstance(prompt, Prompt))
    for counted in (offered, templates, prompts - Counter(FOR_SHOPPERS_TOO)):
        assert not [name for name, times in counted.items() if times > 1]


def test_a_prompt_that_shoppers_have_too_is_theirs_by_its_scope() -> None:
    """Whoever sees one of the two does not see the other: no shopper has an operator's scope."""
    for name in FOR_SHOPPERS_TOO:
        assert sorted(prompt.scope for prompt in PROMPTS if prompt.name == name) == ["me:orders.read", "read:orders"]


def test_servers_have_names_of_their_own() -> None:
    slugs = [server.slug for server in SERVERS]
    assert len(set(slugs)) == len(slugs)
    assert all(server.title and server.instructions.endswith(".") for server in SERVERS)


@every_server
def test_a_server_tells_the_hub_class_and_scope_of_all_it_offers(server: StoreServer) -> None:
    told = server.definitions()
    tools = {str(tool["name"]) for tool in told.tools}
    assert tools
    assert told.tool_classes.keys() == told.tool_scopes.keys() == tools
    assert told.resource_scopes.keys() == {
        *(str(item["uri"]) for item in told.resources),
        *(str(item["uriTemplate"]) for item in told.resource_templates),
    }
    assert told.prompt_scopes.keys() == {str(prompt["name"]) for prompt in told.prompts}
    granted = {*told.tool_scopes.values(), *told.resource_scopes.values(), *told.prompt_scopes.values()}
    assert granted <= SCOPES


@pytest.mark.parametrize("item", RESOURCES, ids=lambda item: str(item.template))
def test_resources_say_what_they_are(item: Resource) -> None:
    scheme, _, rest = item.template.partition("://")
    assert scheme.isalpha()
    assert rest
    assert item.title
    assert item.name != item.title
    assert 20 <= len(item.description) <= 600
    assert item.scope.startswith("read:") or item.scope == "me:orders.read"


@pytest.mark.parametrize("prompt", PROMPTS, ids=lambda prompt: str(prompt.name))
def test_prompts_say_what_they_need(prompt: Prompt) -> None:
    assert len(prompt.name) <= 40
    assert prompt.title
    assert 20 <= len(prompt.description) <= 600
    assert all(argument["description"] for argument in prompt.arguments)
