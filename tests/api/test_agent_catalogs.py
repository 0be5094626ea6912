"""What an agent's model sees, and what that costs."""

import pytest

from tests.api.conftest import As
from tests.api.world import Side
from tests.journeys.live.clients import over_http


@pytest.mark.behaviour("S0.21")
async def test_it_is_what_the_agent_lists(as_: As, acme: Side, url: str) -> None:
    """Tool by tool and word by word, with a count that grows as the words do."""
    async with over_http(f"{url}/mcp", acme.secrets["agent"]) as client:
        listed = (await client.list_tools()).tools
    seen = await as_("viewer").get("/agents/supply/catalog")
    assert [one["name"] for one in seen["tools"]] == [one.name for one in listed]
    for shown, tool in zip(seen["tools"], listed, strict=True):
        assert shown["definition"]["description"] == tool.description
        assert shown["definition"]["inputSchema"] == tool.input_schema
    assert seen["tokens"] == sum(one["tokens"] for one in seen["tools"]) > 100
    assert seen["callable_tools"] == len(listed)
    assert {"customers"} < {one["server"] for one in seen["tools"]}

    (assigned,) = [
        one for one in (await as_("admin").get("/assignments?agent=supply"))["items"] if one["tool"] == "get_customer"
    ]
    await as_("admin").patch(f"/assignments/{assigned['id']}", {"description": "Everything about a customer. " * 40})
    costlier = {one["tool"]: one["tokens"] for one in (await as_("viewer").get("/agents/supply/catalog"))["tools"]}
    before = {one["tool"]: one["tokens"] for one in seen["tools"]}
    assert costlier["get_customer"] > before["get_customer"] + 50
    assert costlier["update_customer"] == before["update_customer"]


async def test_where_there_are_too_many_the_list_says_so(as_: As) -> None:
    admin = as_("admin")
    await admin.patch("/registry-rules", {"set": {"visible_tools": 2}})
    seen = await admin.get("/agents/supply/catalog")
    assert "find_tools" in [one["name"] for one in seen["tools"]]
    assert seen["callable_tools"] > 2
