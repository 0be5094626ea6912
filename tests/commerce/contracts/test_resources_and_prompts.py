"""Every resource and prompt over an empty shop and a full one."""

import re

import orjson
import pytest

from tests.commerce.contracts.offered import RESOURCES, SERVERS
from tests.commerce.contracts.shops import EMPTY, FULL, INTERNALS, NOW, caller, mine, references, servers
from tradepost.commerce.demo import CASES
from tradepost.database.engine import Database
from tradepost.foundation.errors import InvalidArgument, NotFound


@pytest.mark.parametrize("template", [item.template for item in RESOURCES])
async def test_resources_give_a_value_or_are_not_found(unchanging_store: Database, template: str) -> None:
    offered = servers(unchanging_store)
    server = next(server for server in offered for item in server.resources if item.template == template)
    known = await references(unchanging_store, server.slug)
    scheme = template.partition("://")[0]
    names = {"stock": "sku", "product": "sku", "report": "date"}
    given = [
        *known(names.get(scheme, scheme)),
        NOW.date().isoformat(),
        "0001-01-01",
        "9999-12-31",
        "none-such",
        "%00%27%25",
        "x" * 300,
    ]
    read, leaked = 0, list[str]()
    for workspace in (EMPTY, FULL):
        for value in given if "{" in template else [""]:
            uri = re.sub(r"\{\w+\}", value, template)
            try:
                found = await server.read(caller(workspace), uri)
            except (NotFound, InvalidArgument) as error:
                leaked += [word for word in INTERNALS if word in error.message]
                continue
            (content,) = found["contents"]
            assert content["uri"] == uri
            assert content["text"].strip()
            if content["mimeType"] == "application/json":
                orjson.loads(content["text"])
            read += workspace == FULL
    assert not leaked
    assert read, f"none of {given} was found"


def test_resource_templates_are_unique_and_do_not_overlap() -> None:
    shapes = [re.sub(r"\{\w+\}", "{}", item.template) for item in RESOURCES]
    assert len(set(shapes)) == len(shapes)


PROMPT_ARGUMENTS = {
    "order": CASES["late_order_driver_sick"],
    "driver": CASES["sick_driver"],
    "rma": CASES["return_in_window"],
    "payout": CASES["payout_with_3_variances"],
    "carrier": "fedex",
    "date": NOW.date().isoformat(),
    "budget": "1000",
}


@pytest.mark.parametrize(
    ("slug", "name"), [(server.slug, prompt.name) for server in SERVERS for prompt in server.prompts]
)
async def test_prompts_name_tools_that_exist_and_end_with_a_reminder(
    unchanging_store: Database, slug: str, name: str
) -> None:
    server = next(server for server in servers(unchanging_store) if server.slug == slug)
    prompt = next(prompt for prompt in server.prompts if prompt.name == name)
    known = await references(unchanging_store)
    every = {str(item["name"]) for item in prompt.arguments}
    required = {str(item["name"]) for item in prompt.arguments if item["required"]}
    made: dict[str, str] = {}
    for wanted in (every, required):
        made = {key: PROMPT_ARGUMENTS.get(key) or known(key)[0] for key in wanted}
        if slug == "self_service":
            made = {"order": mine("order_id")[0]}
        found = await server.prompt(caller(FULL), name, made)
        text = found["messages"][0]["content"]["text"]
        assert text.endswith("Propose; do not act without approval.")
        words = set(re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", text))
        tools = {tool.name for server in SERVERS for tool in server.tools}
        assert words & tools, "names no tool"
        verbs = {tool.split("_")[0] for tool in tools}
        named = tools | {
            name for server in SERVERS for tool in server.tools for name in tool.input_schema["properties"]
        }
        assert not {word for word in words - named if word.split("_")[0] in verbs}, "names tools that do not exist"
        for message in found["messages"][1:]:
            assert orjson.loads(message["content"]["resource"]["text"])
    if required:
        for spoiled in ({}, {**made, "no_such_argument": "x"}, dict.fromkeys(made, "none-such\u0000")):
            with pytest.raises((InvalidArgument, NotFound)):
                await server.prompt(caller(FULL), name, spoiled)
