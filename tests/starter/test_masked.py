"""Nothing personal is left anywhere for a profile that may not see it: every read of the demo shop, every preview."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
from sqlalchemy import select

from tests.commerce.contracts.arguments import Known, one_by_one
from tests.commerce.contracts.filled import filled
from tests.commerce.contracts.offered import PROMPTS, RESOURCES, SERVERS
from tests.commerce.contracts.references import known_in
from tests.commerce.contracts.shops import FULL
from tests.commerce.contracts.test_resources_and_prompts import PROMPT_ARGUMENTS
from tests.engines import DatabaseUrls, Template
from tradepost.app import Tradepost, open_tradepost
from tradepost.commerce.customers.models import Customer
from tradepost.commerce.demo import CASES
from tradepost.commerce.logistics.models import Driver, Shipment
from tradepost.commerce.orders.models import Order
from tradepost.commerce.servers import build_servers
from tradepost.database.engine import Database
from tradepost.database.migrate import upgrade
from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import TradepostError
from tradepost.foundation.ids import new_id
from tradepost.hub.access.agents import create_agent, create_profile
from tradepost.hub.access.field_rules import FieldRule, change_fields
from tradepost.hub.access.keys import mint
from tradepost.hub.access.models import Role, Workspace
from tradepost.hub.access.people import create_user
from tradepost.hub.access.roles import system_caller
from tradepost.hub.actions.views import view
from tradepost.hub.gateway.activity_server import ActivityServer
from tradepost.hub.gateway.hub_server import HubServer
from tradepost.hub.registration import limits
from tradepost.hub.registration.assignments import assign
from tradepost.hub.registration.builtin import sync_builtin
from tradepost.protocol.builtin import BuiltinServer, Json
from tradepost.settings import load

LONG: tuple[tuple[str, Json], ...] = (
    ("search_orders", {"limit": 50}),
    ("list_deliveries", {"limit": 50, "detail": "full"}),
    ("list_drivers", {"limit": 50, "detail": "full"}),
)
ELSEWHERE = {"line1": "9 Nowhere Lane", "city": "Delft", "postal_code": "2611 AB", "country": "NL"}
WRITES: tuple[tuple[str, Json], ...] = (
    ("update_customer", {"customer_id": CASES["known_customer"], "phone": "+31 10 555 9999", "address": ELSEWHERE}),
    ("update_order_address", {"order_id": CASES["placed_this_morning"], "address": ELSEWHERE}),
    ("send_customer_message", {"customer_id": CASES["known_customer"], "text": "Hello", "reason": "said so"}),
)
OWN = "me:orders.read", "me:returns", "me:invoices"
KINDS = ("email", "phone", "address", "name", "other")


async def _found(url: str) -> str:
    database = Database(url)
    by = system_caller(FULL, new_id("req"))
    async with database.transaction(FULL, write=True) as session:
        session.add(Workspace(id=FULL, workspace_id=FULL, slug="acme", name="Acme"))
        await session.flush()
        await create_user(session, by, "owner@acme.example", "Olga", "owner", None)
    bundled: list[BuiltinServer] = [HubServer(database), ActivityServer(database), *build_servers(database)]
    await sync_builtin(database, FULL, bundled)
    scopes = {item.scope for server in SERVERS for item in (*server.tools, *server.resources, *server.prompts)}
    async with database.transaction(FULL, write=True) as session:
        await create_profile(session, by, "blind")
        agent = await create_agent(session, by, "blind", "reader", scopes=sorted(scopes | {"read:customers.pii"}))
        for server in SERVERS:
            for tool in server.tools:
                await assign(session, by, server.slug, tool.name, agent="reader")
        await change_fields(session, by, "blind", given=[FieldRule(kind, "masked") for kind in KINDS])
        key = await mint(session, by, agent_id=agent.id)
    await database.close()
    return key.secret


def _founding(url: str) -> str:
    upgrade(url, "hub")
    return asyncio.run(_found(url))


@pytest.fixture
def database_template() -> Template:
    return Template("starter_masked", _founding, filled)


@pytest.fixture
async def hub(database_urls: DatabaseUrls, tmp_path: Path) -> AsyncIterator[Tradepost]:
    settings = load(data=tmp_path, hub_url=database_urls.hub, store_url=database_urls.store)
    opened = await open_tradepost(settings)
    await opened.watch.start()
    yield opened
    await opened.watch.stop()
    await opened.connections.close()
    await opened.hub.close()
    await opened.store.close()


async def personal(hub: Tradepost) -> dict[str, str]:
    """All that is personal in the shop, with what it is."""
    found: dict[str, str] = {}

    def note(what: str, *values: str | None) -> None:
        found.update((value, what) for value in values if value and len(value) > 4)

    def note_address(address: dict[str, Any]) -> None:
        note("street", address.get("line1"), address.get("line2"))

    async with hub.store.transaction(FULL, write=False) as session:
        for customer in await session.scalars(select(Customer)):
            note("customer", f"{customer.first_name} {customer.last_name}", customer.last_name)
            note("contact", customer.email, customer.phone)
            note_address(customer.address)
        for driver in await session.scalars(select(Driver)):
            note("driver", driver.name)
        for order in await session.scalars(select(Order)):
            note_address(order.shipping_address)
        for shipment in await session.scalars(select(Shipment)):
            note("signed", (shipment.proof_of_delivery or {}).get("signed_by"))
    return found


def asked(schema: Json, known: Known) -> Iterable[Json]:
    """Arguments that show something: each parameter with one of its values, what is chosen from with all."""
    seen: Counter[str] = Counter()
    for made in one_by_one(schema, known):
        name = next(reversed(made), "")
        seen[name] += 1
        if seen[name] <= 1 or "enum" in str(schema["properties"].get(name)):
            yield made


async def change_rules(hub: Tradepost, result_tokens: int) -> None:
    by = system_caller(FULL, new_id("req"))
    async with hub.hub.transaction(FULL, write=True) as session:
        for server in ("orders", "customers", "logistics", "analytics"):
            await limits.change(session, by, server, given={"result_tokens": result_tokens})


class Looker:
    """Asks, and remembers what came back of what nobody may see."""

    def __init__(self, hub: Tradepost, caller: Caller, forbidden: dict[str, str]) -> None:
        self.hub, self.caller, self.forbidden = hub, caller, forbidden
        self.found: dict[tuple[str, str], Json] = {}
        self.whole = 0

    def look(self, what: str, asked: Any, answer: Any) -> None:
        text, own = orjson.dumps(answer).decode(), orjson.dumps(asked).decode()
        self.whole += not (isinstance(answer, dict) and answer.get("isError"))
        for value in self.forbidden:
            if value in text and value not in own:
                self.found[what, value] = asked

    async def call(self, name: str, arguments: Json) -> Json:
        answer = await self.hub.gateway.door.call(self.caller, name, arguments)
        self.look(name, arguments, answer)
        return answer

    async def read(self, uri: str) -> None:
        try:
            self.look(uri, uri, await self.hub.gateway.gateway.read_resource(self.caller, None, uri))
        except TradepostError as error:
            self.look(uri, uri, error.message)


async def read_in_pieces(looker: Looker, orders: Sequence[str]) -> None:
    """Resources and prompts have a budget, too: what comes first is JSON, and the rest is fetched."""
    gateway, prompts = looker.hub.gateway.gateway, [one for one in PROMPTS if one.scope == "read:orders"]
    firsts = [await gateway.read_resource(looker.caller, None, f"order://{order}") for order in orders]
    firsts.append(await gateway.read_resource(looker.caller, None, "report://daily-ops/2026-02-24"))
    for prompt in prompts:
        given = {str(one["name"]): PROMPT_ARGUMENTS.get(str(one["name"])) or orders[0] for one in prompt.arguments}
        firsts.append(await gateway.get_prompt(looker.caller, None, prompt.name, given))
    shortened: Counter[bool] = Counter()
    for first in firsts:
        texts = first.get("contents") or [one["content"] for one in first["messages"]]
        assert sum(len(orjson.dumps(one)) for one in texts) < 4_600
        rest = (first.get("_meta") or {}).get("io.tradepost/rest")
        if rest is None:
            continue
        shortened["contents" in first] += 1
        assert rest["handle"] in texts[-1]["text"]
        for one in texts[:-1]:
            text = (one.get("resource") or one)["text"]
            assert not text.startswith("{") or orjson.loads(text)
        pieces, handle = 0, rest["handle"]
        while handle is not None:
            piece = await looker.call("get_rest", {"handle": handle})
            pieces, handle = pieces + 1, piece["structuredContent"]["next_handle"]
        assert pieces == rest["pieces"]
        looker.look("in pieces", "", first)
    assert min(shortened[True], shortened[False]) > 0, shortened


async def test_nothing_personal_is_left_anywhere(hub: Tradepost, database_urls: DatabaseUrls) -> None:
    caller = await hub.authenticator.authenticate(database_urls.known, new_id("req"))
    looker = Looker(hub, caller, await personal(hub))
    async with hub.store.transaction(FULL, write=False) as session:
        known = await known_in(session)
    for server in SERVERS:
        for tool in server.tools:
            for made in list(asked(tool.input_schema, known))[: 1 if tool.writes else None]:
                dry = {"dry_run": True, "idempotency_key": "k-masked"} if tool.writes else {}
                await looker.call(tool.name, {**made, **dry})
    for resource in RESOURCES:
        scheme = resource.template.partition("://")[0]
        names = {"stock": "sku", "product": "sku", "report": "date"}
        for value in (*known(names.get(scheme, scheme)), "2026-02-24"):
            await looker.read(re.sub(r"\{\w+\}", value, resource.template))
    for prompt in (one for one in PROMPTS if one.scope not in OWN):
        given = {
            str(one["name"]): PROMPT_ARGUMENTS.get(str(one["name"])) or known(str(one["name"]))[0]
            for one in prompt.arguments
        }
        looker.look(prompt.name, given, await hub.gateway.gateway.get_prompt(caller, None, prompt.name, given))
    await change_rules(hub, result_tokens=1000)
    for tool, made in LONG:
        answer = await looker.call(tool, made)
        pieces = 0
        while "io.tradepost/rest" in (answer.get("_meta") or {}) or answer["structuredContent"].get("next_handle"):
            handle = (answer.get("_meta") or {}).get("io.tradepost/rest", answer["structuredContent"]).get
            answer = await looker.call("get_rest", {"handle": handle("handle") or handle("next_handle")})
            pieces += 1
        assert pieces, tool
    await read_in_pieces(looker, [*known("order"), CASES["late_order_driver_sick"]])
    await change_rules(hub, result_tokens=0)
    open_stops = await looker.call("list_deliveries", {"driver_id": CASES["sick_driver"], "status": "assigned"})
    taken = [open_stops["structuredContent"]["items"][0]["number"]]
    for tool, made in (*WRITES, ("assign_driver", {"delivery_ids": taken, "driver_id": "DRV-02"})):
        asked_for = await looker.call(tool, {**made, "idempotency_key": "k-write"})
        assert asked_for["structuredContent"].get("status") == "approval_required", asked_for
        await looker.call("get_approval", {"approval_id": asked_for["structuredContent"]["approval_id"]})
        await looker.read(f"approval://{asked_for['structuredContent']['approval_id']}")
    assert looker.whole > 500
    assert looker.found == {}


async def person(hub: Tradepost, role: Role) -> dict[str, str]:
    """The headers of somebody with this role."""
    by = system_caller(FULL, new_id("req"))
    async with hub.hub.transaction(FULL, write=True) as session:
        user = await create_user(session, by, f"{role}@acme.example", role, role)
        return {"authorization": f"Bearer {(await mint(session, by, user_id=user.id)).secret}"}


async def test_who_may_decide_sees_what_a_write_is_about_and_who_looks_does_not(
    hub: Tradepost, database_urls: DatabaseUrls
) -> None:
    """The same approval by the role of who looks, in lists, alone, and as the agent and messages have it."""
    caller = await hub.authenticator.authenticate(database_urls.known, new_id("req"))
    arguments = {**WRITES[0][1], "email": "new.address@example.org", "idempotency_key": "k-roles"}
    asked_for = await hub.gateway.door.call(caller, "update_customer", arguments)
    sent = await hub.gateway.door.call(caller, WRITES[2][0], {**WRITES[2][1], "idempotency_key": "k-sent"})
    ids = [one["structuredContent"]["approval_id"] for one in (asked_for, sent)]
    async with hub.store.transaction(FULL, write=False) as session:
        known = (await session.scalars(select(Customer).where(Customer.number == CASES["known_customer"]))).one()
    secret = ("new.address@", "555 9999", "9 Nowhere Lane", known.email)
    transport = httpx2.ASGITransport(app=hub)
    async with httpx2.AsyncClient(transport=transport, base_url=hub.settings.url) as http:
        for role in ("viewer", "operator", "admin"):
            headers = await person(hub, role)
            alone = [(await http.get(f"/api/v1/approvals/{one}", headers=headers)).json() for one in ids]
            answer = await http.get("/api/v1/approvals", headers=headers)
            assert answer.status_code == 200, answer.text
            listed = answer.json()["items"]
            for shown in (alone, listed):
                assert "personal" not in shown[0]
                told = orjson.dumps([[one["preview"], one["arguments"]] for one in shown]).decode()
                assert {text in told for text in secret} == {role != "viewer"}, (role, told)
                effects = " ".join(shown[1]["preview"]["side_effects"])
                assert (known.email in effects) == (role != "viewer")
            changes = {one["field"]: one["after"] for one in alone[0]["preview"]["changes"]}
            assert changes["email"] == ("n***@example.org" if role == "viewer" else "new.address@example.org")
    async with hub.hub.transaction(FULL, write=False) as session:
        for_messages = orjson.dumps((await view(session, ids[1])).preview).decode()
    assert known.email not in for_messages
    assert "personal" not in orjson.dumps([asked_for, sent]).decode()
