"""The port with a certificate of its own, and behind a proxy that has one."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from tests.certificates import Certificates
from tests.processes import Place


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path)


@pytest.fixture
def pair(certificates: Certificates) -> dict[str, str]:
    both = str(certificates.both)
    return {"TRADEPOST_TLS_CERTIFICATE": both, "TRADEPOST_TLS_KEY": both}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_port_speaks_https_with_a_certificate(
    place: Place, pair: dict[str, str], certificates: Certificates, workers: str
):
    url, trust = f"https://127.0.0.1:{place.port}", certificates.trusting

    def status() -> int | None:
        try:
            return httpx2.get(f"{url}/ready", verify=trust, trust_env=False).status_code
        except httpx2.HTTPError:
            return None

    with place.start("serve", "--workers", workers, env=pair) as hub:
        hub.wait_until(lambda: status() == 200)
        found = httpx2.get(f"{url}/.well-known/protocols", verify=trust, trust_env=False)
        assert found.json()["mcp"]["endpoint"] == f"{url}/mcp"
        assert "strict-transport-security" in found.headers
        answer = httpx2.post(f"{url}/mcp", json={}, verify=trust, trust_env=False)
        assert answer.status_code == 401
        with pytest.raises(httpx2.HTTPError):
            httpx2.get(f"http://127.0.0.1:{place.port}/ready", trust_env=False)


def test_a_certificate_that_cannot_be_used_is_one_sentence(place: Place, pair: dict[str, str], tmp_path: Path):
    (tmp_path / "nothing.key").write_text("nothing")
    wrong = {**pair, "TRADEPOST_TLS_KEY": str(tmp_path / "nothing.key")}
    assert "certificate" in place.run("serve", env=wrong).refusal()
    alone = {"TRADEPOST_TLS_CERTIFICATE": pair["TRADEPOST_TLS_CERTIFICATE"]}
    assert "belong together" in place.run("serve", env=alone).refusal()
    assert "TRADEPOST_TRUSTED_PROXIES" in place.run("serve", env={"TRADEPOST_TRUSTED_PROXIES": "proxy"}).refusal()


def test_a_trusted_proxy_says_who_asks_and_nobody_else_does(place: Place):
    minted = place.run("key", "mint", "--agent", "helper", "--from", "198.51.100.0/24", "--json").json()
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    headers = {"authorization": f"Bearer {minted['key']}", "x-forwarded-for": "198.51.100.7"}
    seen = []
    for trusted in ("127.0.0.1/32", "10.0.0.0/8"):
        with place.start("serve", env={"TRADEPOST_TRUSTED_PROXIES": trusted}) as hub:
            hub.wait_ready()
            seen.append(httpx2.post(f"{place.url}/mcp", json=call, headers=headers, trust_env=False).status_code)
    assert seen == [200, 401]


def test_clear_text_on_every_address_is_warned_of(place: Place):
    with place.start("serve", "--host", "0.0.0.0") as hub:
        hub.wait_ready()
    assert "clear text" in hub.said()
    with place.start("serve", "--host", "0.0.0.0", env={"TRADEPOST_PUBLIC_URL": "https://hub.example"}) as hub:
        hub.wait_ready()
    assert hub.said().count("clear text") == 1


def test_a_public_url_may_have_a_path(place: Place):
    with place.start("serve", env={"TRADEPOST_PUBLIC_URL": "https://shop.example/hub"}) as hub:
        hub.wait_ready()
        found = httpx2.get(f"{place.url}/.well-known/protocols", headers={"host": "shop.example"}, trust_env=False)
        assert found.json()["mcp"]["endpoint"] == "https://shop.example/hub/mcp"
