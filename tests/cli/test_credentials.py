"""What a running hub makes of everything that is no credential (security.md R2, R6, row 24; S3.8, S3.17)."""

from __future__ import annotations

import httpx2
import pytest

from tests.processes import Place

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}},
}
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


@pytest.fixture(scope="module")
def key(served: Place) -> str:
    minted: str = served.run("key", "mint", "--agent", "helper", "--json").json()["key"]
    return minted


@pytest.mark.behaviour("S3.17")
@pytest.mark.parametrize("path", ["/mcp", "/api/mcp", "/mcp/servers/orders"])
@pytest.mark.parametrize(
    "credential",
    [
        [],
        ["Basic {key}"],
        ["Basic dXNlcjpwYXNz"],
        ["Bearer"],
        ["{key}"],
        ["Bearer {key}x"],
        ["Bearer {key} {key}"],
        ["Bearer sk-1234567890abcdefghijklmn"],
        ["Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9."],
        ["Bearer " + "x" * 1_000_000],
        ["Bearer tp_é".encode()],
        [b"Bearer \xff\xfe"],
        ["Bearer {key}", "Bearer {key}"],
        ["Bearer {key}", "Bearer other"],
        ["Bearer null"],
        ["Digest {key}"],
    ],
    ids=str,
)
def test_what_is_no_credential_is_401(served: Place, key: str, path: str, credential: list[str | bytes]):
    headers = [
        (b"authorization", one if isinstance(one, bytes) else one.replace("{key}", key).encode()) for one in credential
    ]
    for message in (LIST, INITIALIZE):
        answer = httpx2.post(served.url + path, json=message, headers=headers, trust_env=False)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert "mcp-session-id" not in answer.headers
        assert key not in answer.text


@pytest.mark.behaviour("S3.8")
def test_a_credential_elsewhere_counts_nothing(served: Place, key: str):
    for where in ({"params": {"access_token": key}}, {"cookies": {"tradepost_session": key, "authorization": key}}):
        with httpx2.Client(base_url=served.url, trust_env=False, **where) as client:  # type: ignore[arg-type]
            assert client.post("/mcp", json=LIST).status_code == 401


def test_the_scheme_is_read_in_any_case(served: Place, key: str):
    for scheme in ("Bearer", "bearer", "BEARER"):
        headers = {"authorization": f"{scheme} {key}"}
        assert httpx2.post(f"{served.url}/mcp", json=LIST, headers=headers, trust_env=False).status_code == 200
