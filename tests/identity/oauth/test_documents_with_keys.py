"""Clients by the URL of their metadata document that prove themselves with a key of it (security.md A12, A15)."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from joserfc.jwk import OKPKey, RSAKey

from tests.hub.gateway.world import Facts
from tests.identity.oauth.documents import Host, documents_host
from tests.identity.oauth.test_clients import EMPTY_PROOFS, TYPE, assertion, encoded, key, public
from tests.identity.oauth.world import Browser, Hub, Program, running
from tradepost.hub.access.oauth.client_auth import MOST_FAILURES

METHOD = {"token_endpoint_auth_method": "private_key_jwt"}


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[Host]:
    async with documents_host(tmp_path) as started:
        yield started


@pytest.fixture
async def hub(facts: Facts, host: Host) -> AsyncIterator[Hub]:
    async with running(facts, documents=host.pool()) as started:
        yield started


@pytest.fixture
async def browser(hub: Hub) -> Browser:
    return await hub.browser()


def keys_at(host: Host, keys: dict[str, Any], path: str = "/keys.json", headers: str = "") -> str:
    return host.put(path, body=orjson.dumps(keys), headers=headers)


def proof(text: str) -> dict[str, str]:
    return {"client_assertion_type": TYPE, "client_assertion": text}


async def test_tokens_are_for_whoever_has_the_key(hub: Hub, host: Host, browser: Browser):
    """Where the keys stand in the document, or somewhere else; a code, a refresh, introspection and revocation."""
    for number, named in enumerate(("jwks", "jwks_uri")):
        own = key()
        where = public(own) if named == "jwks" else keys_at(host, public(own))
        program = Program(host.put(f"/client{number}.json", **METHOD, **{named: where}))
        code = await browser.code(program)
        assert (await hub.redeem(program, code)).status_code == 401  # as a public client
        answer = await hub.redeem(program, code, **proof(assertion(hub, program.client_id, own)))
        assert answer.status_code == 200, answer.text
        tokens = answer.json()
        assert await hub.works(tokens["access_token"])
        assert (await hub.refresh(program, tokens["refresh_token"])).status_code == 401
        next_proof = proof(assertion(hub, program.client_id, own, aud=f"{hub.url}/oauth/token"))
        again = await hub.refresh(program, tokens["refresh_token"], **next_proof)
        assert again.status_code == 200, again.text
        access = again.json()["access_token"]
        form = {"client_id": program.client_id, "token": access}
        asked = {**form, **proof(assertion(hub, program.client_id, own))}
        looked = await hub.http.post(f"{hub.url}/oauth/introspect", data=asked)
        assert looked.json()["active"], looked.text
        await hub.http.post(f"{hub.url}/oauth/revoke", data=form)  # by somebody without the key
        assert await hub.works(access)
        gone = {**form, **proof(assertion(hub, program.client_id, own))}
        await hub.http.post(f"{hub.url}/oauth/revoke", data=gone)
        assert not await hub.works(access)
    assert host.asked == ["/client0.json", "/client1.json", "/keys.json"]  # kept, each was fetched once


async def test_what_proves_nothing(hub: Hub, host: Host, browser: Browser):
    """Wrong audience, expired, not yet, no jti, another's name; a wrong key, another client's; algorithms mixed up."""
    own, other = RSAKey.generate_key(2048), key()
    foreign = Program(host.put("/other.json", **METHOD, jwks=public(other)))
    foreign_tokens = await tokens_of(hub, browser, foreign, other)
    clients = []
    for number in range(3):  # so few wrong ones for each that nobody is told to wait
        program = Program(host.put(f"/client{number}.json", **METHOD, jwks=public(own)))
        clients.append((program, await tokens_of(hub, browser, program, own, {"alg": "RS256"})))
    head, body, _ = assertion(hub, clients[2][0].client_id, own, {"alg": "RS256"}).split(".")
    symmetric, none = encoded(b'{"alg":"HS256"}'), encoded(b'{"alg":"none"}')
    confused = f"{symmetric}.{body}"
    mark = hmac.new(own.as_pem(private=False), confused.encode(), hashlib.sha256).digest()
    named = clients[2][0].client_id
    wrong: list[tuple[int, str]] = []
    for number, changes in enumerate(EMPTY_PROOFS):
        mended = json.loads(json.dumps(changes).replace("HUB", hub.url))
        which = number % 2
        wrong.append((which, assertion(hub, clients[which][0].client_id, own, {"alg": "RS256"}, **mended)))
    wrong += [
        (2, assertion(hub, named, other)),
        (2, assertion(hub, foreign.client_id, other)),  # good, but another's
        (2, assertion(hub, named, other, {"alg": "ES256", "jwk": other.as_dict(private=False)})),
        (2, f"{confused}.{encoded(mark)}"),
        (2, f"{none}.{body}."),
        (2, f"{head}.{body}."),
    ]
    for which, text in wrong:
        program, tokens = clients[which]
        refused = await hub.refresh(program, tokens["refresh_token"], **proof(text))
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client"), text
    for program, tokens in clients:  # none of that ended anything
        good = assertion(hub, program.client_id, own, {"alg": "RS256"})
        done = await hub.refresh(program, tokens["refresh_token"], **proof(good))
        assert done.status_code == 200, done.text
        next_one = done.json()["refresh_token"]
        assert (await hub.refresh(program, next_one, **proof(good))).status_code == 401  # each counts once
    theirs = assertion(hub, foreign.client_id, other)
    assert (await hub.refresh(foreign, clients[0][1]["refresh_token"], **proof(theirs))).status_code == 400
    assert await hub.works(foreign_tokens["access_token"])


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
async def test_ed25519_by_both_of_its_names(hub: Hub, host: Host, browser: Browser):
    own = OKPKey.generate_key("Ed25519")
    program = Program(host.put(**METHOD, jwks={"keys": [own.as_dict(private=False)]}))
    shown = (await hub.http.get(f"{hub.url}/.well-known/oauth-authorization-server")).json()
    for name in ("Ed25519", "EdDSA"):
        assert name in shown["token_endpoint_auth_signing_alg_values_supported"]
        text = assertion(hub, program.client_id, own, {"alg": name})
        answer = await hub.redeem(program, await browser.code(program), **proof(text))
        assert answer.status_code == 200, answer.text


async def test_nobody_makes_the_hub_fetch_what_no_person_agreed_to(hub: Hub, host: Host):
    own = key()
    url = host.put(**METHOD, jwks=public(own))
    form = {"grant_type": "refresh_token", "refresh_token": "x", "client_id": url, **proof(assertion(hub, url, own))}
    for _ in range(MOST_FAILURES - 1):
        refused = await hub.http.post(f"{hub.url}/oauth/token", data=form)
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert host.asked == []


async def test_keys_are_read_again_with_the_document(hub: Hub, host: Host, browser: Browser):
    """A client replaced its key; then its document says that it has none, which opens nothing."""
    old, new = key(), key()
    at = keys_at(host, public(old), headers="cache-control: no-store\r\n")
    program = Program(host.put(**METHOD, jwks_uri=at))
    tokens = await tokens_of(hub, browser, program, old)
    keys_at(host, public(new), headers="cache-control: no-store\r\n")
    late = await hub.refresh(program, tokens["refresh_token"], **proof(assertion(hub, program.client_id, old)))
    assert late.status_code == 401
    done = await hub.refresh(program, tokens["refresh_token"], **proof(assertion(hub, program.client_id, new)))
    assert done.status_code == 200, done.text
    host.put(headers="cache-control: no-store\r\n")
    for more in ({}, proof(assertion(hub, program.client_id, new))):
        assert (await hub.refresh(program, done.json()["refresh_token"], **more)).status_code == 401


async def tokens_of(
    hub: Hub, browser: Browser, program: Program, signing: Any, header: dict[str, Any] | None = None
) -> dict[str, Any]:
    text = assertion(hub, program.client_id, signing, header)
    answer = await hub.redeem(program, await browser.code(program), **proof(text))
    assert answer.status_code == 200, answer.text
    return dict(answer.json())
