"""The official clients (Inspector CLI, TypeScript, Python), each in both eras, against a running demo."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.judges import judge
from tests.processes import Place

pytestmark = pytest.mark.conformance


def test_every_client_in_both_eras(hub: Place, scripts: Path):
    verdict = judge(
        scripts / "clients.sh",
        f"{hub.url}/mcp",
        *("--token", hub.key("supply_chain_manager")),
        *("--tool", "get_order", "--args", '{"order_id":"88213"}', "--resource", "order://88213"),
    )
    print(verdict.said)
    assert not verdict.failed, verdict.said
    assert len(verdict.passed) == 12, verdict.said
