"""A header that refers to a secret elsewhere, from the operator's file to the server that is sent the secret."""

import asyncio
import base64
import ipaddress
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from tests.hub.bundled import Bundled, tool
from tests.hub.oauth import vendor as oauth
from tests.hub.remote import Remote
from tests.hub.remote import running as serving
from tests.hub.secret_address import at_secret_address
from tests.hub.upstreams.test_dispatch import Entry, Talkative
from tests.hub.vault.managers.doubles import VaultDouble, running
from tests.hub.world import World, founded
from tradepost.foundation.clock import system_now
from tradepost.foundation.errors import InvalidArgument, Unavailable, UpstreamError
from tradepost.hub.access.workspaces import own_slug
from tradepost.hub.registration.oauth_terms import OAuthTerms
from tradepost.hub.registration.openapi.references import Document
from tradepost.hub.registration.openapi.security import headers_for
from tradepost.hub.registration.servers import Servers
from tradepost.hub.registry.models import Server
from tradepost.hub.upstreams.connections import Connections
from tradepost.hub.upstreams.dispatch import Upstreams
from tradepost.hub.upstreams.guard import Guard
from tradepost.hub.upstreams.oauth.accounts import Accounts
from tradepost.hub.vault.header_rules import Header
from tradepost.hub.vault.managers.configuration import read_managers
from tradepost.hub.vault.managers.resolving import FAILED_SECONDS, KEPT_SECONDS, References
from tradepost.hub.vault.vault import HIDDEN, URL, Vault, open_vault

SECRET = "CANARY-93b1-token"
REFERENCE = "Bearer secret://safe/kv/tradepost/acme/tickets#token"
PLACE = "kv/data/tradepost/acme/tickets"
GUARD = Guard([ipaddress.ip_network("127.0.0.0/8")])


@dataclass
class Setting:
    """A server that demands a token, which is in the manager."""

    world: World
    double: VaultDouble
    remote: Remote
    vault: Vault
    upstreams: Upstreams
    server: Bundled
    file: Path
    at: float = 1000.0

    async def call(self) -> str:
        entry = Entry(server_url=self.remote.url, tool_class="read")
        return str(await self.upstreams.call_tool(self.world.as_agent(), entry, {"number": "7"}, None))

    def allow(self, **allow: list[str]) -> References:
        safe = {"kind": "vault", "url": self.double.url, "token": "root", "allow": allow}
        self.file.write_text(json.dumps({"managers": {"safe": safe}}))
        return References(read_managers(self.file), own_slug, lambda: self.at)


@pytest.fixture
async def setting(world: World, tmp_path: Path) -> AsyncIterator[Setting]:
    offered = Talkative(slug="tracker", title="Tracker", tools=[tool("track", number={"type": "string"})])
    async with running(VaultDouble()) as double, serving(offered, bearer=SECRET) as remote:
        double.tokens, double.secrets = {"root"}, {PLACE: {"token": SECRET}}
        made: Any = Setting(world, double, remote, None, None, offered, tmp_path / "managers.json")  # type: ignore[arg-type]
        references = made.allow(**{"*": ["kv/tradepost/{workspace}"]})
        made.vault = await open_vault(world.database, tmp_path / "vault.key", references)
        made.upstreams = Upstreams({}, Connections(made.vault, GUARD))
        async with world.changing() as session:
            await made.vault.replace(session, "srv_1", [Header("Authorization", REFERENCE)])
        yield made
        await made.upstreams.close()
        await made.vault.close()


async def test_the_server_gets_the_secret_and_nobody_else_does(setting: Setting):
    answers = await asyncio.gather(*(setting.call() for _ in range(8)))
    assert setting.double.asked == [PLACE]  # once for all of them
    assert setting.remote.requests[-1]["authorization"] == f"Bearer {SECRET}"
    for answer in answers:  # the server echoed it
        assert "[redacted]" in answer
        assert SECRET not in answer
        assert SECRET[::-1] not in answer
    async with setting.world.reading() as session:
        assert (await setting.vault.show(session, "srv_1"))[0].value == HIDDEN
        for table in ("sealed_headers", "sealed_values", "servers", "audit_events", "vault_keys"):
            assert "CANARY" not in str((await session.execute(text(f"SELECT * FROM {table}"))).all())
    assert SECRET not in repr(await setting.vault.headers_for(setting.world.workspace_id, "srv_1"))


async def test_a_failing_manager_is_not_noticed_for_a_minute_and_then_said(setting: Setting):
    await setting.call()
    setting.double.down = True
    setting.at += KEPT_SECONDS - 1
    await setting.call()
    setting.at += 1
    for _ in range(2):
        with pytest.raises(Unavailable, match="secrets manager 'safe', which answered with the status 503") as failed:
            await setting.call()
        assert "CANARY" not in str(failed.value)
        assert PLACE not in str(failed.value)
    asked = setting.double.answers
    with pytest.raises(Unavailable, match="503"):
        await setting.call()
    assert setting.double.answers == asked  # it is left alone for a moment
    setting.double.down = False
    setting.at += FAILED_SECONDS
    opened = len(setting.remote.requests)
    await setting.call()
    assert len(setting.remote.requests) == opened + 1  # over the connection that was open: the secret is the same


async def test_a_changed_secret_counts_after_a_minute_or_a_refusal(setting: Setting):
    await setting.call()
    setting.double.secrets[PLACE] = {"token": "CANARY-second"}
    setting.remote.bearer = None
    await setting.call()
    assert setting.remote.requests[-1]["authorization"] == f"Bearer {SECRET}"
    setting.at += KEPT_SECONDS
    await setting.call()
    assert setting.remote.requests[-1]["authorization"] == "Bearer CANARY-second"

    setting.double.secrets[PLACE] = {"token": "CANARY-third"}
    setting.remote.bearer = "CANARY-third"
    setting.at += 10
    with pytest.raises(UpstreamError):
        await setting.call()
    assert "CANARY-third" not in await setting.call()
    asked = len(setting.double.asked)
    setting.double.down = True  # what is kept stays good, also for those whose server refuses it
    setting.remote.bearer = "CANARY-never"
    for _ in range(3):  # a server that refuses whatever it is sent does not make the hub ask at each call
        with pytest.raises(UpstreamError):
            await setting.call()
    assert len(setting.double.asked) == asked


async def test_a_secret_beside_an_account_is_read_anew_too(setting: Setting):
    """The account's own token goes on; the connection with the old secret is closed."""
    async with oauth.running(system_now) as vendor:
        vendor.client("us", "client-secret", "client_secret_basic")
        known = {"token_url": f"{vendor.issuer}/token", "resource": vendor.url}
        terms = OAuthTerms("client_credentials", client_id="us", client_secret="client-secret", **known)  # type: ignore[arg-type]
        header = Header("X-Key", REFERENCE.removeprefix("Bearer "))
        servers = Servers(setting.world.database, setting.vault, GUARD)
        made = await servers.register(setting.world.owner, "desk", vendor.url, [header], oauth=terms)
        accounts = Accounts(setting.world.database, setting.vault, GUARD, "http://hub.test")
        upstreams = Upstreams({}, Connections(setting.vault, GUARD, accounts=accounts))

        async def key() -> str | None:
            entry = Entry(server_id=made.id, server_url=vendor.url, tool_class="read", credential_version=1)
            await upstreams.call_tool(setting.world.as_agent(), entry, {"number": "7"}, None)
            return vendor.keys[-1]

        assert await key() == SECRET
        setting.double.secrets[PLACE] = {"token": "CANARY-second"}
        assert await key() == SECRET
        setting.at += KEPT_SECONDS
        assert await asyncio.gather(*(key() for _ in range(4))) == ["CANARY-second"] * 4
        opened = len(vendor.keys)
        setting.at += KEPT_SECONDS
        assert (await key(), len(vendor.keys)) == ("CANARY-second", opened + 1)  # the same: over the same connection
        assert vendor.count("client_credentials") == 1
        await upstreams.close()


async def test_a_workspace_reads_what_the_operator_lets_it_read(setting: Setting, tmp_path: Path):
    other = await founded(setting.world.database, "other")
    servers = Servers(setting.world.database, setting.vault, GUARD)
    for reference in (
        REFERENCE,
        "secret://safe/kv/tradepost/other/../acme/tickets#token",
        "secret://safe/kv/tradepost/acmetickets#token",
        "secret://safe/kv/tradepost#acme",
        "secret://another/kv/tradepost/other/x#token",
        "Bearer secret://safe/kv/tradepost/other/x#token secret://safe/kv/tradepost/acme/tickets#token",
    ):
        with pytest.raises(InvalidArgument):
            await servers.register(other.owner, "theirs", setting.remote.url, [Header("X-Key", reference, False)])
    mine = Header("X-Key", "secret://safe/kv/tradepost/other/x#token", hidden=False)
    made = await servers.register(other.owner, "theirs", setting.remote.url, [mine])
    async with other.reading() as session:
        assert (await setting.vault.show(session, made.id))[0].value == mine.value
    with pytest.raises(Unavailable, match="has no such secret"):
        await setting.vault.headers_for(other.workspace_id, made.id)

    # The operator's word counts at each use, too.
    narrowed = await open_vault(setting.world.database, tmp_path / "vault.key", setting.allow(other=["kv/tradepost"]))
    with pytest.raises(Unavailable, match="may not read"):
        await narrowed.headers_for(setting.world.workspace_id, "srv_1")
    without = await open_vault(setting.world.database, tmp_path / "vault.key")
    with pytest.raises(Unavailable, match="may not read"):
        await without.headers_for(setting.world.workspace_id, "srv_1")
    async with other.changing() as session:
        with pytest.raises(InvalidArgument, match="may not read"):
            await without.replace(session, made.id, [mine])


async def test_what_no_header_can_carry_is_not_sent(setting: Setting):
    setting.double.secrets[PLACE] = {"token": "CANARY\r\nX-Admin: 1"}
    with pytest.raises(Unavailable, match="cannot be sent as a header") as refused:
        await setting.call()
    assert "CANARY" not in str(refused.value)
    assert setting.remote.requests == []


async def test_whoever_stops_waiting_leaves_the_others_their_secret(setting: Setting):
    setting.double.gate.clear()
    calls = [asyncio.create_task(setting.call()) for _ in range(3)]
    await setting.double.arrived.wait()
    calls[0].cancel()
    setting.double.gate.set()
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert all(isinstance(result, str) for result in results[1:])
    assert setting.double.asked == [PLACE]


async def test_secrets_of_every_kind_may_be_kept_elsewhere(setting: Setting):
    """A whole secret URL or the end of one, a client's secret, a user and password: one way to write them."""
    world, there = setting.world, "secret://safe/kv/tradepost/acme/tickets"
    servers = Servers(world.database, setting.vault, GUARD)
    async with at_secret_address(setting.server, SECRET) as whole, oauth.running(system_now) as vendor:
        base = whole.partition(SECRET)[0]
        kept = {"token": SECRET, "url": whole, "end": f"{SECRET}/mcp", "login": "shop:pass:word"}
        setting.double.secrets[PLACE] = dict(kept)

        async def call(slug: str, server: Server) -> str:
            where = server.url or ""
            entry = Entry(server_id=server.id, server_slug=slug, server_url=where, tool_class="read")
            entry = replace(entry, credential_version=server.credential_version)
            return str(await setting.upstreams.call_tool(world.as_agent(), entry, {"number": "7"}, None))

        for slug, url in (("whole", f"{there}#url"), ("end", f"{base}{there}#end")):
            made = await servers.register(world.owner, slug, url, hide_url=True)
            assert made.url == whole.partition("/s/")[0]
            assert SECRET not in await call(slug, made)
            async with world.reading() as session:
                assert await setting.vault.kept(session, made.id, URL) == url
            setting.double.secrets[PLACE] |= {"url": "http://127.0.0.2:1/x", "end": "x y"}
            setting.at += KEPT_SECONDS
            with pytest.raises(Unavailable, match="of another origin, or no URL"):
                await call(slug, made)
            setting.double.secrets[PLACE], setting.at = dict(kept), setting.at + KEPT_SECONDS
            await call(slug, made)
        for url, hide, words in (
            (f"{there}#url", False, "is a secret"),
            ("secret://safe/kv/tradepost/rival/x#url", True, "may not read"),
            (f"{there}#token", True, "URL"),
            ("secret://safe/../x", True, "is written secret://"),
        ):
            with pytest.raises(InvalidArgument, match=words):
                await servers.register(world.owner, "bad", url, hide_url=hide)

        vendor.client("us", SECRET, "client_secret_basic")
        known: Any = {"token_url": f"{vendor.issuer}/token", "resource": vendor.url}
        terms = OAuthTerms("client_credentials", client_id="us", client_secret=f"{there}#token", **known)
        desk = await servers.register(world.owner, "desk", vendor.url, oauth=terms)
        accounts = Accounts(world.database, setting.vault, GUARD, "http://hub.test")
        upstreams = Upstreams({}, Connections(setting.vault, GUARD, accounts=accounts))
        entry = Entry(server_id=desk.id, server_url=vendor.url, tool_class="read", credential_version=1)
        await upstreams.call_tool(world.as_agent(), entry, {"number": "7"}, None)
        assert vendor.count("client_credentials") == 1
        await upstreams.close()
        away = replace(terms, client_secret="secret://safe/kv/tradepost/rival/x#token")
        with pytest.raises(InvalidArgument, match="may not read"):
            await servers.register(world.owner, "desk2", vendor.url, oauth=away)

        scheme: Any = {"components": {"securitySchemes": {"Login": {"type": "http", "scheme": "basic"}}}}
        for login in (f"{there}#login", f"shop:{there}#token"):
            async with world.changing() as session:
                await setting.vault.replace(session, "srv_1", headers_for(Document(scheme), {"Login": login}))
            (sent,) = await setting.vault.headers_for(world.workspace_id, "srv_1")
            user, _, password = base64.b64decode(sent.value.removeprefix("Basic ")).decode().partition(":")
            assert (user, password in ("pass:word", SECRET)) == ("shop", True)
