"""`tradepost vault`: another key beside a running hub, also after it was killed; keys from the environment."""

from __future__ import annotations

import os
import signal
import stat

import pytest

from tests.processes import Place
from tradepost.hub.vault.keyring import key_line, new_key

WRONG = key_line(1, new_key())


@pytest.mark.behaviour("F42")
def test_a_rotation_beside_a_running_hub(place: Place):
    with place.start("serve", env={"TRADEPOST_WORKERS": "2"}) as hub:
        hub.wait_until(lambda: "The hub serves" in hub.said())
        place.run("server", "add", "tracker", "http://127.0.0.1:9/mcp", env={"TRADEPOST_ALLOW_PRIVATE": "127.0.0.0/8"})
        killed = place.begin("vault", "rotate")
        hub.wait_until(lambda: len((place.data / "vault.key").read_text().splitlines()) == 2)
        if killed.process.pid is not None:
            os.kill(killed.process.pid, signal.SIGKILL)
        killed.process.join(10)
        rotated = place.ask("vault", "rotate")
        assert (rotated["version"], rotated["broken"], rotated["line"]) == (2, [], None)
        status = place.ask("vault", "status")
        assert (status["sealing"], status["unfinished"]) == (2, False)
        assert [one["state"] for one in status["versions"]] == ["opening", "sealing"]
        assert [(one["versions"], one["sealing"]) for one in status["processes"]] == [([1, 2], 2)] * 2
        assert "There is none to take out" in place.run("vault", "retire").good().out
        other, shown = [place.begin(*words.split(), env=env) for words, env in (
            ("vault status", {"TRADEPOST_VAULT_KEYS": WRONG}), ("vault status", {})
        )]  # fmt: skip
        assert "does not open the values" in other.result().refusal()  # the audit's own key is among them
        assert "seals" in shown.result().good().out
        assert stat.S_IMODE((place.data / "vault.key").stat().st_mode) == 0o600
    assert "Traceback" not in hub.said()
    assert "Retired: key version 1" in place.run("vault", "retire", "--now").good().out
    key = (place.data / "vault.key").read_text().strip()
    assert key.startswith("2 ")

    (place.data / "vault.key").unlink()
    given = {"TRADEPOST_VAULT_KEYS": key}
    both = place.begin("vault", "status", env={**given, "TRADEPOST_VAULT_KEY_FILE": "x.key"})
    damaged = place.begin("vault", "status", env={"TRADEPOST_VAULT_KEYS": "2 CANARY"})
    status, told = place.begin("vault", "status", env=given), place.begin("vault", "rotate", env=given)
    assert "key version 2 seals" in status.result().good().out
    said = told.result().good().out
    assert "Add this line to TRADEPOST_VAULT_KEYS" in said
    assert "\n3 " in said
    assert "exclude each other" in both.result().refusal()
    refused = damaged.result().refusal()
    assert "The variable TRADEPOST_VAULT_KEYS is damaged." in refused
    assert "CANARY" not in refused
