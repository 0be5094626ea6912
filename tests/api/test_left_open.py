"""Whatever keeps a hub from beginning, or from ending well, leaves no connection to its databases open."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import Pool

from tradepost import settings
from tradepost.app import Tradepost, open_tradepost
from tradepost.cli import late
from tradepost.cli.alone import serve_alone
from tradepost.foundation.errors import NotFound, SetupError, TradepostError


@pytest.fixture
def left() -> Iterator[set[int]]:
    """The connections that were opened and not closed since."""
    found: set[int] = set()

    def opened(connection: object, _record: object) -> None:
        found.add(id(connection))

    def closed(connection: object, *_others: object) -> None:
        found.discard(id(connection))

    names = (("connect", opened), ("close", closed), ("close_detached", closed))
    for name, told in names:
        event.listen(Pool, name, told)
    yield found
    for name, told in names:
        event.remove(Pool, name, told)


async def test_a_hub_that_does_not_open_or_begin(
    configured: settings.Settings, left: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    configured.data.mkdir()
    hub = await open_tradepost(configured)
    await hub.stop()
    assert left == set()
    with pytest.raises(TradepostError):
        await open_tradepost(configured.model_copy(update={"servers_file": configured.data / "nowhere.yaml"}))
    assert left == set()

    async def refuses(_hub: object) -> None:
        raise SetupError("Not today.")

    with pytest.raises(SetupError, match="Not today"):
        await late.open_or_wait(configured, on_open=refuses)
    assert left == set()
    unwell = await open_tradepost(configured)

    async def fails() -> None:
        raise SetupError("Not today either.")

    monkeypatch.setattr(unwell.signer, "start", fails)
    with pytest.raises(SetupError, match="Not today either"):
        await unwell.start()
    assert left == set()


async def test_a_hub_that_does_not_end_well(
    configured: settings.Settings, left: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    configured.data.mkdir()
    hub: Tradepost = await open_tradepost(configured)
    await hub.start()

    async def away() -> None:
        raise OperationalError("the database is away", None, Exception())

    monkeypatch.setattr(hub.audit, "stop", away)
    with pytest.raises(OperationalError):
        await hub.stop()
    assert left == set()


async def test_a_server_alone_that_nobody_knows(
    configured: settings.Settings, left: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "load", lambda **_given: configured)
    for slug, workspace in (("nothing", None), ("orders", "nobody")):
        with pytest.raises(NotFound):
            await serve_alone(slug, True, False, None, None, workspace, configured.data)
    assert left == set()
