"""A hub lets clients in before the whole program is loaded: nobody may notice but by a wait."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest

from tests.processes import PYTHON, Place, Serving
from tests.program import Foreign

Json = dict[str, Any]
AGENT = "supply_chain_manager"
ROUNDS = 40  # they go on until everything is loaded
LIST: Json = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
ORDER: Json = {"name": "get_order", "arguments": {"order_id": "88213"}}
CALL: Json = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": ORDER}


@pytest.mark.usefixtures("either_engine")
async def test_lists_shop_tools_and_rest_answer_from_the_first_moment(place: Place):
    log = place.data.with_name("first.log")
    process = Foreign([PYTHON, "-m", "tradepost", "serve"], place.env, log)  # loads everything itself
    with Serving(process, place.url, log) as hub:
        hub.wait_ready()
        headers = {"Authorization": f"Bearer {place.key(AGENT)}", "Accept": "application/json"}
        async with httpx2.AsyncClient(headers=headers, timeout=60, trust_env=False) as http:

            async def asked(body: Json) -> Json:
                answer = (await http.post(f"{place.url}/mcp", json=body)).json()
                assert "error" not in answer, f"{answer}\n{hub.said()}"
                result: Json = answer["result"]
                return result

            called = asyncio.create_task(asked(CALL))
            rest = asyncio.create_task(http.get(f"{place.url}/api/v1/me"))
            lists = [await asked(LIST) for _ in range(ROUNDS)]
            assert {len(one["tools"]) for one in lists} == {len(lists[0]["tools"])}
            assert (await called)["structuredContent"]["number"] == "88213"
            assert (await rest).status_code == 200
    assert "Traceback" not in hub.said()
