"""Swap a server on a page: what fits, what does not, the swap, and back."""

import pytest

from tests.api.conftest import As
from tests.dashboard.conftest import Signed
from tests.hub.bundled import Bundled, tool
from tests.hub.remote import running

PAGE = "/integrations/older/swap"


async def _holder(as_: As) -> str:
    items = (await as_("admin").get("/assignments?agent=reader"))["items"]
    return ", ".join(sorted({one["server"] for one in items}))


@pytest.mark.behaviour("S0.38", "S0.39")
async def test_another_server_takes_over_and_gives_back(signed: Signed, as_: As) -> None:
    """The report says why not; what cannot be told is accepted by a tick; a stale report switches nothing."""
    admin, rest = await signed("admin"), as_("admin")
    number = {"type": "string"}
    older, newer = Bundled(tools=[tool("get_order", number=number)]), Bundled()
    newer.tools = [tool("get_order", number={**number, "maxLength": 9})]
    async with running(older) as old, running(newer) as new:
        for slug, remote in (("older", old), ("newer", new)):
            await rest.post("/servers", {"slug": slug, "url": remote.url})
            await rest.post(f"/servers/{slug}/discover", status=200)
        await rest.post("/servers/older/tools/get_order/approve", {"class": "read"}, status=200)
        chosen = await admin.get(PAGE)
        assert "Which server takes over?" in chosen.text
        nothing = await admin.get(f"{PAGE}?to=newer")
        assert "Nobody was given a tool of older" in nothing.text
        await rest.post("/assignments", {"server": "older", "tool": "get_order", "agent": "reader"})
        waits = await admin.get(f"{PAGE}?to=newer")
        assert "newer cannot take over as it is" in waits.text
        assert "not approved yet" in waits.text
        breaks = await admin.get(f"{PAGE}?to=newer&approve=yes")
        assert "is at most 9 characters" in breaks.text
        ticked = {"of:get_order": "yes", "tool:get_order": "yes", "to": "newer", "approve": "yes", "all": "yes"}
        refused = await admin.post(PAGE, **ticked, mark=_mark(breaks.text), do="swap")
        assert refused.status_code == 409
        assert 'role="alert"' in refused.text
        assert await _holder(as_) == "older"
        newer.tools[0] = tool("get_order", number=number)
        await rest.post("/servers/newer/discover", status=200)
        stale = await admin.post(PAGE, **ticked, mark=_mark(breaks.text), do="swap")
        assert stale.status_code == 409
        assert "newer can take over" in stale.text
        swapped = await admin.post(PAGE, **ticked, mark=_mark(stale.text), do="swap")
        assert swapped.status_code == 303, swapped.text
        assert await _holder(as_) == "newer"
        assert "1 tool went over to newer" in (await admin.get(swapped.headers["location"])).text
        undone = await admin.post(PAGE, to="newer", do="undo")
        assert "older serves 1 assignment again" in undone.text
        assert await _holder(as_) == "older"
        again = await admin.post(PAGE, to="newer", do="undo")
        assert again.status_code == 409
        none = await admin.post(PAGE, **{"of:get_order": "yes", "to": "newer", "do": "compare"})
        assert none.status_code == 400
        assert "No tool is ticked" in none.text
    away = await admin.post(PAGE, **ticked, mark=_mark(stale.text), do="swap")
    assert away.status_code in (409, 424, 502, 503)
    assert await _holder(as_) == "older"


async def test_whoever_may_not_swap_is_told_who_may(signed: Signed, as_: As) -> None:
    viewer = await signed("viewer")
    assert "for admins and owners" in (await viewer.get("/integrations/orders/swap")).text
    assert (await viewer.get("/integrations/orders/swap?to=claims")).status_code == 403
    admin = await signed("admin")
    assert (await admin.get("/integrations/orders/swap?to=nothing")).status_code == 404


def _mark(page: str) -> str:
    return page.split('name="mark" value="')[1].split('"')[0]
