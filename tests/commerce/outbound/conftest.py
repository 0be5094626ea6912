"""A small shop whose tools do things outside it, a clock that moves, and the vendors."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path

import pytest

from tests.commerce.conftest import NOW, Shop
from tests.commerce.flows.order_rows import open_shop, order, rows
from tests.commerce.outbound.doubles import MailServer, Service, mail_server, service
from tradepost.commerce.effects.models import Effect
from tradepost.commerce.flows.accounts import messages
from tradepost.commerce.flows.collecting import capture_payment, store_credit
from tradepost.commerce.flows.delivery import create_shipment
from tradepost.commerce.flows.orders import timeline
from tradepost.commerce.logistics.models import Carrier
from tradepost.commerce.outbound.opening import open_ports
from tradepost.commerce.outbound.outside import Outside
from tradepost.commerce.outbound.relay import Relay

Relays = Callable[..., Relay]


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def desk(shop: Shop) -> Shop:
    await open_shop(shop, order("1", ("SHIRT-S", 2)), order("2", ("MUG-R", 1), method=None))
    shop.offer(
        (*messages.TOOLS, *capture_payment.TOOLS, *store_credit.TOOLS, *create_shipment.TOOLS), timeline.RESOURCES
    )
    await shop.add(Carrier(id="car_1", code="dhl", name="DHL", services=[{"code": "std", "transit_days": 2}]))
    return shop


@pytest.fixture
async def vendor() -> AsyncIterator[Service]:
    async with service() as double:
        yield double


@pytest.fixture
async def post() -> AsyncIterator[MailServer]:
    async with mail_server() as double:
        yield double


@pytest.fixture
async def relay(desk: Shop, clock: Clock, tmp_path: Path) -> AsyncIterator[Relays]:
    """Makes relays over the desk's store, to files or to a vendor, and stops them at the end."""
    made: list[Relay] = []

    def make(vendor: Service | None = None, mail: str = "") -> Relay:
        url = vendor.url if vendor is not None else ""
        ways = {"carrier_url": url, "carrier_token": "let-me-in", "payments_url": url, "payments_token": "let-me-in"}
        made.append(Relay(desk.database, open_ports(Outside(tmp_path, mail_url=mail, **ways)), clock))
        return made[-1]

    yield make
    for one_of_them in made:
        await one_of_them.stop()


async def states(shop: Shop) -> list[tuple[str, str, int]]:
    return sorted((row.kind, row.status, row.attempts) for row in await rows(shop, Effect))
