"""The demo's shop, as its customers see it: a page of its own, at an address of its own, with the hub's chat in it.

It does what a shop does: it knows who is signed in (here whoever is chosen), lets that customer in at the hub, and has
the one script tag in its page, under a Content-Security-Policy that allows that script and no other.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape

import uvicorn
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tradepost.commerce.customers.models import Customer
from tradepost.commerce.orders.models import Order
from tradepost.database.engine import Database
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.ids import new_id
from tradepost.hub.access.roles import system_caller
from tradepost.hub.access.shoppers import mint_shopper_session
from tradepost.hub.registration.granting import scopes_through_profile

PROFILE = "shoppers"
HOST = "127.0.0.1"
COOKIE = "demo-customer"
MOST_CUSTOMERS, MOST_ORDERS = 8, 5
ORDERS_LOOKED_AT = 200  # the newest: to look at all of them takes minutes in a shop of a million
FIRST = "CUST-10495"  # has an order that is late

Mint = Callable[[str], Awaitable[dict[str, str]]]


@dataclass(frozen=True, slots=True)
class Shopper:
    """Somebody who could be signed in, and the numbers of their newest orders."""

    number: str
    name: str
    orders: tuple[str, ...]


class Shop:
    """The shop's page on a port of its own, from `start` to `stop`."""

    def __init__(self, port: int, hub_url: str) -> None:
        self.port = port
        self._hub_url = hub_url
        self._server: uvicorn.Server | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}/"

    @property
    def origins(self) -> tuple[str, ...]:
        """What browsers call its pages."""
        return f"http://{HOST}:{self.port}", f"http://localhost:{self.port}"

    async def start(self, hub: Database, store: Database, workspace_id: str) -> bool:
        """Serve the page. False where another program has the port: the demo does without the page then."""
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, self.port))
            listener.listen()
        except (OSError, OverflowError):
            listener.close()
            return False
        app = _app(self._hub_url, await _shoppers(store, workspace_id), _minting(hub, workspace_id))
        config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False, lifespan="off")
        self._server = _Unsignaled(config)
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]), name="the demo's shop")
        return True

    async def stop(self) -> None:
        """End it."""
        if self._server is not None and self._task is not None:
            self._server.should_exit = True
            await asyncio.gather(self._task, return_exceptions=True)


class _Unsignaled(uvicorn.Server):
    """Signals are for the hub, which then ends this."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _minting(hub: Database, workspace_id: str) -> Mint:
    async def mint(customer: str) -> dict[str, str]:
        by = system_caller(workspace_id, new_id("req"))
        async with hub.transaction(workspace_id, write=True) as session:
            made = await mint_shopper_session(session, by, customer, profile=PROFILE, shown=scopes_through_profile)
        return {"token": made.token, "expires_at": to_rfc3339(made.expires_at)}

    return mint


async def _shoppers(store: Database, workspace_id: str) -> list[Shopper]:
    """The customers who ordered last, and one whose order is late before all."""
    async with store.transaction(workspace_id, write=False) as session:
        newest = select(Order.customer_id).where(Order.customer_id.is_not(None))
        newest = newest.order_by(Order.placed_at.desc(), Order.id.desc()).limit(ORDERS_LOOKED_AT)
        ids = list(dict.fromkeys(await session.scalars(newest)))[:MOST_CUSTOMERS]
        known = (Customer.id.in_(ids)) | (Customer.number == FIRST)
        found = []
        for customer in await session.scalars(select(Customer).where(known)):
            numbers = await session.scalars(
                select(Order.number)
                .where(Order.customer_id == customer.id)
                .order_by(Order.placed_at.desc())
                .limit(MOST_ORDERS)
            )
            name = f"{customer.first_name} {customer.last_name}".strip()
            found.append(Shopper(customer.number, name, tuple(numbers)))
        return sorted(found, key=lambda one: (one.number != FIRST, one.number))


def _app(hub_url: str, shoppers: Sequence[Shopper], mint: Mint) -> Starlette:
    by_number = {one.number: one for one in shoppers}
    policy = (
        f"default-src 'none'; script-src {hub_url}; connect-src 'self' {hub_url}; style-src 'self'; img-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none';"
        " require-trusted-types-for 'script'; trusted-types 'none'"
    )
    headers = {"content-security-policy": policy, "x-content-type-options": "nosniff", "cache-control": "no-store"}

    def signed_in(request: Request) -> Shopper | None:
        return by_number.get(request.cookies.get(COOKIE, ""))

    async def page(request: Request) -> Response:
        return HTMLResponse(_page(hub_url, shoppers, signed_in(request)), headers=headers)

    async def sign_in(request: Request) -> Response:
        answer = RedirectResponse("/", 303, headers=headers)
        number = request.query_params.get("customer", "")
        if number in by_number:
            answer.set_cookie(COOKIE, number, httponly=True, samesite="strict")
        else:
            answer.delete_cookie(COOKIE)
        return answer

    async def token(request: Request) -> Response:
        who = signed_in(request)
        if who is None:
            return JSONResponse({"error": "Nobody is signed in."}, 401, headers=headers)
        return JSONResponse(await mint(who.number), headers=headers)

    async def style(request: Request) -> Response:
        return Response(_STYLE, media_type="text/css", headers=headers)

    routes = [
        Route("/", page),
        Route("/sign-in", sign_in),
        Route("/chat-token", token, methods=["POST"]),
        Route("/shop.css", style),
    ]
    # A page of somebody else's cannot reach this one under another name (DNS rebinding).
    return Starlette(routes=routes, middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])])


def _page(hub_url: str, shoppers: Sequence[Shopper], who: Shopper | None) -> str:
    choices = "\n".join(
        f'<option value="{escape(one.number)}"{" selected" if one == who else ""}>'
        f"{escape(one.name)} ({escape(one.number)})</option>"
        for one in shoppers
    )
    if who is None:
        inside = "<p>Nobody is signed in. Choose a customer: the chat appears for whoever is.</p>"
        script = ""
    else:
        orders = "".join(f"<li>Order {escape(number)}</li>" for number in who.orders) or "<li>No orders yet</li>"
        inside = f"<h2>Orders of {escape(who.name)}</h2>\n<ul>{orders}</ul>"
        script = f'<script src="{escape(hub_url)}/widget.js" data-token-url="/chat-token" defer></script>'
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Demo shop</title>
<link rel="stylesheet" href="/shop.css">
{script}
</head>
<body>
<header><h1>Demo shop</h1></header>
<main>
<form action="/sign-in" method="get">
<label for="customer">Signed in as</label>
<select id="customer" name="customer">
<option value="">nobody</option>
{choices}
</select>
<button>Change</button>
</form>
{inside}
</main>
</body>
</html>
"""


_STYLE = """
:root { color-scheme: light dark; font-family: system-ui, sans-serif; }
body { max-width: 50rem; margin: 0 auto; padding: 1rem 1rem 6rem; line-height: 1.5; }
label { display: block; font-weight: 600; }
select, button { font: inherit; padding: 0.3rem 0.6rem; max-width: 100%; }
"""
