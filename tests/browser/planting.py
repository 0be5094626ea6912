"""Scripts, pictures and markup planted wherever a shop, an agent, a server or a customer can write something."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from tests.hostile.double import Double, running, tool
from tests.processes import Place

Json = dict[str, Any]


def planted(place: str) -> str:
    """It would call the page's `planted`, put an element into the page, and ask another host for a picture."""
    return f"\"'></textarea></title><script>planted`{place}`</script>{shorter(place)}"


def shorter(place: str) -> str:
    """The same for places with less room."""
    return f"<img src=//evil.invalid/{place} onerror=planted`{place}`>{short(place)}"


def short(place: str) -> str:
    """The same for places with hardly any."""
    return f"<b data-planted>{place}"


@contextmanager
def serving(double: Double) -> Iterator[None]:
    """The double on a loop of its own: the browser of these tests has the main thread's."""
    loop, up, down = asyncio.new_event_loop(), threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with running(double):
            up.set()
            await down.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    up.wait(30)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(down.set)
        thread.join(30)
        loop.close()


def hostile_server() -> Double:
    """Its titles, descriptions, arguments, results and errors are all planted."""
    says = {"type": "string", "description": planted("parameter"), "default": planted("default")}
    says |= {"title": planted("parameter-title"), "examples": [planted("example")]}
    one = tool("evil_read", say=says, pick={"enum": [planted("choice"), "b"]})
    other = tool("evil_fail")
    for made in (one, other):
        made |= {"title": planted("tool-title"), "description": planted("tool-description")}
    double = Double(one, other, {**tool("bad"), "name": planted("tool-name")}, name=planted("identity"))
    double.instructions = planted("server-instructions")

    def answer(name: str, _arguments: Json, _request: object) -> Json:
        link = {"type": "resource_link", "uri": "https://evil.invalid/x.png", "name": planted("result-link")}
        text = {"type": "text", "text": planted("error" if name == "evil_fail" else "result")}
        fields = {"said": planted("result-field")}
        return {"content": [text, link], "structuredContent": fields, "isError": name == "evil_fail"}

    double.answer = answer
    return double


class Planter:
    """Writes through REST, the command line and MCP, as an owner, an agent and a customer would."""

    def __init__(self, demo: Place) -> None:
        self._demo = demo
        self.asked: list[str] = []  # the ids of writes that had to be approved
        minted = demo.run("key", "mint", "--user", "owner@demo.example", "--label", planted("key"), "--json", *IN_DEMO)
        self._owner = {"authorization": f"Bearer {minted.json()['key']}"}

    def rest(self, method: str, path: str, body: object = None, key: str | None = None) -> Json:
        """What REST answers the owner, or whoever has the key."""
        headers = self._owner if key is None else {"authorization": f"Bearer {key}"}
        url = f"{self._demo.url}/api/v1{path}"
        answer = httpx2.request(method, url, json=body, headers=headers, timeout=60, trust_env=False)
        assert answer.status_code < 300, f"{method} {path}: {answer.text}"
        return dict(answer.json()) if answer.content else {}

    def written(self, server: str, name: str, comment: str, **arguments: Any) -> None:
        """A write of the shop, tried as the owner and approved by the owner."""
        made = self.rest("POST", f"/servers/{server}/tools/{name}/call", {"arguments": arguments})
        assert made["outcome"] == "approval_required", made
        self.asked.append(made["approval"])
        self.rest("POST", f"/approvals/{made['approval']}/approve", {"comment": comment})

    def read(self, name: str, **arguments: Any) -> Json:
        """What a read of the shop answers."""
        return dict(self.rest("POST", f"/reads/{name}", {"arguments": arguments})["result"])

    def server(self, double: Double) -> None:
        """Register it, enable its tools, and call them."""
        self.rest("POST", "/servers", {"slug": "evil", "name": planted("server"), "url": double.url})
        self.rest("POST", "/servers/evil/test")
        self.rest("POST", "/servers/evil/discover")
        for name in ("evil_read", "evil_fail"):
            self.rest("POST", f"/servers/evil/tools/{name}/approve", {"class": "read"})
            arguments = {"say": planted("argument")} if name == "evil_read" else {}
            self.rest("POST", f"/servers/evil/tools/{name}/call", {"arguments": arguments})
            given = {"server": "evil", "tool": name, "agent": "parcel_desk"}
            self.rest("POST", "/assignments", given)
        double.tools[1] |= {"description": planted("tool-changed")}
        self.rest("POST", "/servers/evil/discover")

    def hub(self) -> None:
        """What people write into the hub."""
        self.rest("POST", "/users", {"email": "evil@demo.example", "name": planted("user"), "role": "viewer"})
        self.rest("POST", "/invitations", {"email": "more@demo.example", "name": planted("invitation")})
        self.rest("POST", "/profiles", {"slug": "evil", "name": planted("profile")})
        about = {"name": planted("agent"), "description": planted("agent-description")}
        self.rest("POST", "/agents", {"profile": "evil", "slug": "evil", **about})
        setup = {"role": "specialist", "instructions": planted("instructions"), "model": "scripted"}
        self.rest("PATCH", "/agents/evil/setup", setup)
        spoken = {"agent": "evil", "title": short("title"), "message": planted("message")}
        self.rest("POST", "/conversations", spoken)
        rule = {"name": "evil-rule", "reason": planted("rule-reason"), "outcome": "ask", "agent": "evil"}
        self.rest("POST", "/policy/rules", rule)
        entry = {
            "slug": "evil",
            "title": planted("entry"),
            "body": f"## EVIL-1 {planted('body')}\n\n{planted('clause')}",
        }
        self.rest("POST", "/knowledge/entries", entry)
        changed = {
            "entry": "evil",
            "title": planted("proposal"),
            "reason": planted("proposal-reason"),
            "body": "## EVIL-1\n\nMore.",
        }
        self.rest("POST", "/knowledge/proposals", changed)

    def shop(self, folder: Path) -> str:
        """What customers and staff write into the shop. Returns the order's number."""
        file = folder / "customers.csv"
        rows = (("First Name", "Last Name", "Email"), (short("customer"), "Evil", "evil@buyers.example"))
        quoted = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows]
        file.write_text("\n".join(quoted) + "\n", "utf-8")
        self._demo.run("store", "import-csv", "customers", str(file), *IN_DEMO).good()
        found = self.read("search_orders", status="completed", limit=50)
        orders = [str(one["number"]) for one in found["items"]]
        number = next(one for one in orders if self._may_come_back(one))
        self.written("orders", "add_order_note", planted("comment"), order_id=number, note=planted("note"))
        self.written("returns", "submit_return", "", order_id=number, note=planted("return-reason"))
        return number

    def customer(self) -> None:
        """What a customer says in the shop's chat."""
        customer = self.read("search_customers", query="evil@buyers.example")["items"][0]["id"]
        session = self.rest("POST", "/shopper-sessions", {"customer": customer})
        token = str(session.get("token") or session.get("key"))
        chat = self.rest("POST", "/shopper/conversations", {"message": planted("chat")}, token)
        self.rest("POST", f"/shopper/conversations/{chat['id']}/person", {"words": planted("wish")}, token)

    def calls(self) -> list[str]:
        """The ids of the records of calls of the hostile server."""
        return [str(one["id"]) for one in self.rest("GET", "/audit?server=evil&limit=20")["items"]]

    def agent(self) -> None:
        """What an agent asks for, once left waiting and once rejected."""
        for number, place in enumerate(("waiting", "rejected")):
            arguments = {"tracking_number": planted(place)[:40], "date": "2026-12-01"}
            made = self.rest("POST", "/servers/tracker/tools/request_redelivery/call", {"arguments": arguments})
            reorder = {"sku": "A-100", "quantity": 20 + 5 * number, "warehouse_id": "RTM", "reason": planted(place)}
            asked = {"arguments": {**reorder, "allow_duplicate": True}}
            more = self.rest("POST", "/servers/purchasing/tools/create_reorder/call", asked)
            self.asked.append(more["approval"])
            if place == "rejected":
                for one in (made, more):
                    self.rest("POST", f"/approvals/{one['approval']}/reject", {"comment": planted("rejection")})

    def _may_come_back(self, number: str) -> bool:
        said = json.dumps(self.read("check_return_eligibility", order_id=number))
        return '"eligible":true' in said.replace(" ", "")


IN_DEMO = ("--workspace", "demo")
