"""What a request may look like, and how what is wrong with it is told: problem details with stable codes (RFC 9457)."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

import httpx2
import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm.exc import StaleDataError

from tests.api.conftest import As
from tests.api.world import Side, problem
from tradepost.api import usage
from tradepost.protocol.jsonrpc import MAX_BODY_BYTES

BOMBS = [
    b'{"slug": "a", "slug": "b"}',
    b'{"slug": NaN}',
    b'{"slug": 1e400}',
    b'{"slug": "\\ud800"}',
    b'{"slug": "a\\u0000b"}',
    b'{"slug": ' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    b'{"slug": ' + b"9" * 5_000 + b"}",
    b'{"slug": "a"} {"slug": "b"}',
    b"\xff\xfe{}",
    b"[]",
    b"null",
    b'"text"',
    b"{",
]


async def test_every_answer_has_an_id_and_is_not_kept(as_: As) -> None:
    answer = await as_("viewer").send("GET", "/me")
    assert answer.headers["x-request-id"].startswith("req_")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    refused = await as_("viewer").send("POST", "/agents", {})
    assert problem(refused, 403, "forbidden_scope")["request_id"] == refused.headers["x-request-id"]


async def test_json_that_two_parsers_read_differently(http: httpx2.AsyncClient, acme: Side) -> None:
    """security.md §2 row 31."""
    headers = {"authorization": f"Bearer {acme.secrets['admin']}", "content-type": "application/json"}
    for body in BOMBS:
        answer = await http.post("/api/v1/profiles", headers=headers, content=body)
        problem(answer, 400, "invalid_argument")


async def test_media_types_sizes_and_methods(http: httpx2.AsyncClient, acme: Side) -> None:
    headers = {"authorization": f"Bearer {acme.secrets['admin']}"}
    for given in ({"content-type": "text/plain"}, {"content-type": "application/json", "content-encoding": "gzip"}, {}):
        answer = await http.post("/api/v1/profiles", headers={**headers, **given}, content=b'{"slug": "x"}')
        problem(answer, 415, "unsupported_media_type")
    large = b'{"slug": "' + b"x" * MAX_BODY_BYTES + b'"}'
    answer = await http.post("/api/v1/profiles", headers={**headers, "content-type": "application/json"}, content=large)
    problem(answer, 413, "body_too_large")
    wrong = await http.put("/api/v1/profiles", headers=headers)
    problem(wrong, 405, "method_not_allowed")
    assert wrong.headers["allow"] == "GET, POST"
    for path in (
        "/api/v1",
        "/api/v1/",
        "/api/v1/nothing",
        "/api/v1/me/",
        "/api/v1/agents/a%00b",
        "/api/v1/agents/a%2Fb",
    ):
        problem(await http.get(path, headers=headers), 404, "not_found")


async def test_fields_that_are_wrong_are_named(as_: As) -> None:
    """S3.18: one sentence and the field; nothing that was sent is said again, for it may be a secret."""
    admin = as_("admin")
    cases = [
        ("POST", "/profiles", {"slug": "a", "postur": "guarded"}, "postur"),
        ("POST", "/profiles", {"slug": "A b"}, "slug"),
        ("POST", "/profiles", {}, "slug"),
        ("POST", "/profiles", None, "body"),
        ("POST", "/keys", {"agent": "supply", "user": "x"}, "agent"),
        ("POST", "/keys", {"agent": "supply", "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ("POST", "/keys", {"agent": "supply", "expires_at": "2099-01-01T00:00:00"}, "expires_at"),
        ("POST", "/keys", {"agent": "supply", "expires_at": "0001-01-01T00:00:00+14:00"}, "expires_at"),
        ("POST", "/keys", {"user": "viewer@acme.test", "scopes": []}, "scopes"),
        ("GET", "/servers?limit=51", None, "limit"),
        ("GET", "/servers?limit=0", None, "limit"),
        ("GET", "/servers?order=up", None, "order"),
        ("GET", "/servers?cursor=", None, "cursor"),
        ("GET", "/servers?cursor=bm8", None, "cursor"),
        ("GET", "/servers?cursor=%00", None, "cursor"),
        ("GET", "/audit?since=yesterday", None, "since"),
        ("GET", "/audit?tool=a%00b", None, "tool"),
        ("GET", "/usage?since=2020-01-01T00:00:00Z", None, "since"),
        ("PATCH", "/servers/customers/settings", {"set": {"timeout_seconds": True}}, "timeout_seconds"),
        ("PATCH", "/servers/customers/settings", {"set": {"nothing": 1}}, "nothing"),
    ]
    for method, path, body, field in cases:
        found = problem(await admin.send(method, path, body), 400, "invalid_argument")
        assert found["field"] == field, (path, found)
        assert found["hint"] or found["details"]
    secret = {"slug": "s", "url": "https://a.test", "headers": [{"name": "X", "value": "CANARY", "hidden": "CANARY"}]}
    answer = await admin.send("POST", "/servers", secret)
    assert problem(answer, 400, "invalid_argument")["field"] == "headers[0].hidden"
    assert "CANARY" not in answer.text


async def test_pages_go_through_all_in_an_order_that_stays(as_: As) -> None:
    admin = as_("admin")
    for number in range(7):
        await admin.post("/profiles", {"slug": f"p{number}"})
    everything = [one["slug"] for one in (await admin.get("/profiles?limit=50"))["items"]]
    seen: list[str] = []
    cursor = ""
    while True:
        page = await admin.get(f"/profiles?limit=3{cursor}")
        seen += [one["slug"] for one in page["items"]]
        assert page["has_more"] is (page["next_cursor"] is not None)
        if not page["has_more"]:
            break
        cursor = f"&cursor={page['next_cursor']}"
        await admin.post("/profiles", {"slug": f"a-new-{len(seen)}"})  # before where we are: not seen, nothing twice
    assert seen == everything == sorted(everything)
    newest = await admin.get("/audit?limit=5")
    older = await admin.get(f"/audit?limit=5&cursor={newest['next_cursor']}")
    numbers = [row["sequence"] for row in (*newest["items"], *older["items"])]
    assert numbers == sorted(numbers, reverse=True)
    assert len(set(numbers)) == 10


async def test_cursors_that_somebody_made_up(as_: As, acme: Side) -> None:
    """With the right beginning, and values that no row has."""
    admin = as_("admin")
    for path, value in (
        ("/audit", '"x"'),
        ("/audit", str(2**63)),
        ("/users", "7"),
        ("/servers/customers/tools", "null"),
    ):
        cursor = (await admin.get(f"{path}?limit=1"))["next_cursor"]
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        kind, *_ = text[1:].split(",")
        rest = f",{value}" * text.count(",")
        made_up = urlsafe_b64encode(f"[{kind}{rest}]".encode()).decode().rstrip("=")
        problem(await admin.send("GET", f"{path}?cursor={made_up}"), 400, "invalid_argument")


async def test_a_failure_of_the_hub_says_nothing_of_its_cause(
    as_: As, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What went wrong stands in the log; a database that is away is told with when to come back."""

    def fail(error: Exception) -> None:
        async def count(*_: object) -> None:
            raise error

        monkeypatch.setattr(usage, "usage", count)

    viewer = as_("viewer")
    fail(RuntimeError("CANARY"))
    answer = await viewer.send("GET", "/usage")
    found = problem(answer, 500, "internal_error")
    assert found["request_id"] == answer.headers["x-request-id"]
    assert "CANARY" not in answer.text
    assert "CANARY" in caplog.text
    fail(OperationalError("SELECT 1", {}, OSError("CANARY")))
    answer = await viewer.send("GET", "/usage")
    problem(answer, 503, "unavailable")
    assert int(answer.headers["retry-after"]) >= 1
    assert "CANARY" not in answer.text
    fail(StaleDataError("CANARY"))
    problem(await viewer.send("GET", "/usage"), 409, "version_conflict")
