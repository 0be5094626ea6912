"""What somebody sees of an approval follows from their role, wherever they look: on the page and over REST a viewer
sees personal data masked and an operator all of it; commands are run by whoever runs the hub, and show it whole."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import As
from tests.api.world import Side
from tests.engines import DatabaseUrls
from tests.identity.people.desk import PASSWORD, Browser
from tests.processes import Place
from tradepost.app import Tradepost
from tradepost.foundation.ids import new_id
from tradepost.hub.access.models import Role
from tradepost.hub.access.people import create_user
from tradepost.hub.access.roles import system_caller

OLD, NEW = "jo2@buyers.test", "somebody.new@buyers.test"
ROLES: tuple[Role, ...] = ("viewer", "operator")


@pytest.mark.behaviour("S1.12")
async def test_personal_data_of_an_approval_is_shown_by_the_role_of_who_looks(
    as_: As, acme: Side, hub: Tradepost, url: str, database_urls: DatabaseUrls, tmp_path: Path
) -> None:
    asked = await as_("agent").patch("/contacts/C-2", {"email": NEW}, status=202)
    approval = asked["approval_id"]
    found: dict[str, list[tuple[bool, bool]]] = {"page": [], "rest": []}

    def holds(text: str) -> tuple[bool, bool]:
        return OLD in text, NEW in text

    for role in ROLES:
        async with hub.hub.transaction(acme.workspace_id, write=True) as session:
            by = system_caller(acme.workspace_id, new_id("req"))
            await create_user(session, by, f"{role}@looks.test", "", role, PASSWORD)
        browser = Browser(url, "127.0.0.1", {})
        await browser.sign_in(f"{role}@looks.test")
        page = await browser.get(f"/approvals/{approval}")
        assert page.status_code == 200, page.text
        assert "customer" in page.text
        found["page"].append(holds(page.text))
        await browser.http.aclose()
        seen: dict[str, Any] = await as_(role).get(f"/approvals/{approval}")
        found["rest"].append(holds(str(seen)))
    assert found == {way: [(False, False), (True, True)] for way in found}
    databases = {"TRADEPOST_HUB_URL": database_urls.hub, "TRADEPOST_STORE_URL": database_urls.store}
    place = Place(tmp_path / "data", databases=databases)
    for more in ((), ("--json",)):
        shown = await asyncio.to_thread(place.run, "approvals", "show", approval, "--workspace", "acme", *more)
        assert holds(shown.good().out) == (True, True)
