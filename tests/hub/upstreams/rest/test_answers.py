"""What an API answers, as a tool's result: trimmed, or an error that says what the API said."""

from typing import Any

import orjson
import pytest

from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.upstreams.rest.answers import result_of, retry_after
from tradepost.hub.upstreams.rest.fields import checked_fields, only, only_schema, tree_of
from tradepost.hub.upstreams.rest.plan import Plan
from tradepost.protocol.upstream_errors import UpstreamFailed

Json = dict[str, Any]
JSON = {"content-type": "application/json; charset=utf-8"}

INVOICE = {
    "id": "in_1",
    "customer": {"name": "Ada", "email": "a@b.c"},
    "lines": [{"sku": "A", "cost": 1}, {"sku": "B", "cost": 2}],
    "prices": {"EUR": {"amount": 1, "vat": 2}, "USD": {"amount": 3, "vat": 4}},
    "note": None,
}


def answered(status: int, value: Any = None, fields: list[str] | None = None, **headers: str) -> Json:
    plan: Plan = {"method": "GET", "path": "/", "parameters": [], "fields": fields or []}
    body = value if isinstance(value, bytes) else b"" if value is None else orjson.dumps(value)
    return result_of(plan, status, {**JSON, **headers}, body)


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        (["id"], {"id": "in_1"}),
        (["customer.name", "lines.sku"], {"customer": {"name": "Ada"}, "lines": [{"sku": "A"}, {"sku": "B"}]}),
        (["lines[].cost"], {"lines": [{"cost": 1}, {"cost": 2}]}),
        (["prices.*.amount"], {"prices": {"EUR": {"amount": 1}, "USD": {"amount": 3}}}),
        (["customer", "customer.name"], {"customer": INVOICE["customer"]}),
        (["note.text", "nothing"], {"note": None}),
        ([], INVOICE),
    ],
)
def test_only_the_chosen_fields_go_on(fields: list[str], kept: Json) -> None:
    assert only(INVOICE, tree_of(fields)) == kept
    result = answered(200, [INVOICE], fields)
    assert result["structuredContent"] == {"result": [kept]}
    assert orjson.loads(result["content"][0]["text"]) == {"result": [kept]}


@pytest.mark.parametrize("field", ["", ".", "a.", "a b", "a..b", "[]", "a[0]", "x" * 300])
def test_a_path_that_is_none_is_refused(field: str) -> None:
    with pytest.raises(InvalidArgument):
        checked_fields([field])


def test_the_schema_of_what_goes_on() -> None:
    schema = {
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "lines": {
                "type": "array",
                "items": {"type": "object", "properties": {"a": {}, "b": {}}, "required": ["a", "b"]},
            },
            "prices": {"type": "object", "additionalProperties": {"type": "object", "properties": {"x": {}, "y": {}}}},
        },
        "required": ["id", "lines"],
    }
    made = only_schema(schema, tree_of(["lines.a", "prices.*.x"]))
    assert made["required"] == ["lines"]
    assert made["properties"]["lines"]["items"] == {"type": "object", "properties": {"a": {}}, "required": ["a"]}
    assert made["properties"]["prices"]["additionalProperties"]["properties"] == {"x": {}}


def test_answers_that_are_no_objects() -> None:
    assert answered(204)["structuredContent"] == {"status": 204}
    assert answered(201, location="/invoices/7")["structuredContent"] == {"status": 201, "location": "/invoices/7"}
    assert answered(200, 7)["structuredContent"] == {"result": 7}
    text = answered(200, b"a;b\n1;2", **{"content-type": "text/csv"})
    assert (text["content"][0]["text"], "structuredContent" in text) == ("a;b\n1;2", False)
    assert answered(200, b"{broken")["content"][0]["text"] == "{broken"
    image = answered(200, b"\x89PNG", **{"content-type": "image/png"})
    assert image["content"][0] == {"type": "image", "data": "iVBORw==", "mimeType": "image/png"}
    other = answered(200, b"%PDF\xff", **{"content-type": "application/pdf"})
    assert "5 bytes of application/pdf" in other["content"][0]["text"]
    assert not other["isError"]


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (404, {"title": "No invoice", "detail": "in_9 is not there."}, "404 Not Found: No invoice. in_9 is not there."),
        (422, {"error": {"code": "bad", "message": "Too high"}}, "422 Unprocessable Entity: bad. Too high."),
        (400, {"message": "No."}, "400 Bad Request: No."),
        (409, b"taken already", "409 Conflict: taken already."),
        (403, b"<html>forbidden</html>", "403 Forbidden."),
        (418, None, "418 I'm a Teapot."),
        (499, [1], "HTTP 499."),
    ],
)  # fmt: skip
def test_a_refusal_is_an_error_that_the_model_reads(status: int, body: Any, says: str) -> None:
    result = answered(status, body)
    assert result["isError"]
    assert result["content"][0]["text"] == f"The API answered {says}"
    assert (result["structuredContent"]["status"], result["structuredContent"]["retryable"]) == (status, False)


def test_a_problems_list_of_mistakes_is_shown() -> None:
    result = answered(422, {"title": "Invalid", "type": "urn:x", "errors": [{"field": "amount", "is": "missing"}]})
    assert '[{"field":"amount","is":"missing"}]' in result["content"][0]["text"]
    assert (result["structuredContent"]["type"], len(result["structuredContent"]["errors"])) == ("urn:x", 1)
    assert "errors" not in answered(422, {"errors": ["x" * 5_000]})["structuredContent"]


@pytest.mark.parametrize(
    ("status", "answered_no"),
    [(301, True), (304, True), (401, True), (429, True), (408, False), (500, False), (503, False)],
)
def test_trouble_is_no_result(status: int, answered_no: bool) -> None:
    """Whether it is certain that nothing was done decides what becomes of a write."""
    with pytest.raises(UpstreamFailed) as failed:
        answered(
            status, {"title": "Down\u200b", "detail": "x"}, **{"retry-after": "7", "location": "http://127.0.0.1/"}
        )
    assert (failed.value.dispatched, failed.value.answered, failed.value.status) == (True, answered_no, status)
    assert "127.0.0.1" not in failed.value.message
    if status >= 400:
        assert failed.value.retry_after_seconds == 7.0
        assert failed.value.details["server_said"] == {"untrusted": "Down. x"}


@pytest.mark.parametrize(("status", "certain"), [(301, False), (302, False), (303, False), (307, True), (308, True)])
def test_a_write_that_is_sent_elsewhere_may_have_been_done(status: int, certain: bool) -> None:
    with pytest.raises(UpstreamFailed) as failed:
        result_of({"method": "POST", "path": "/", "parameters": []}, status, {}, b"")
    assert failed.value.answered is certain


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "120"}, 120.0),
        ({"retry-after": "Sun, 06 Nov 1994 08:50:37 GMT", "date": "Sun, 06 Nov 1994 08:49:37 GMT"}, 60.0),
        ({"retry-after": "Sun, 06 Nov 1994 08:49:37 GMT", "date": "Sun, 06 Nov 1994 08:50:37 GMT"}, 0.0),
        ({"retry-after": "Sun, 06 Nov 1994 08:49:37 GMT"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "99999999999"}, None),
        ({"retry-after": "999999"}, 86_400.0),
        ({}, None),
    ],
)
def test_when_to_come_back(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


def test_a_value_that_is_too_deep_is_not_passed_on() -> None:
    with pytest.raises(UpstreamFailed, match="nested deeper"):
        answered(200, b"[" * 200 + b"]" * 200)
    assert answered(400, b"[" * 200 + b"]" * 200)["isError"]
