"""Arguments stay where they belong: in a segment, a parameter, a line (security.md §2 row 42, CVE-2026-32871)."""

from typing import Any
from urllib.parse import parse_qsl, unquote

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.upstreams.rest.encoding import FORM, Encoded, encoded
from tradepost.hub.upstreams.rest.plan import Parameter, Place, Plan, QueryPart, Style, query_header, query_name

Json = dict[str, Any]


def parameter(name: str, place: Place = "query", style: Style = "form", explode: bool = True) -> Parameter:
    return {"argument": name, "name": name, "place": place, "style": style, "explode": explode}


def sent(arguments: Json, *parameters: Parameter, path: str = "/x", method: str = "GET", **more: Any) -> Encoded:
    plan: Plan = {"method": method, "path": path, "parameters": list(parameters), **more}  # type: ignore[typeddict-item]
    return encoded(plan, arguments, "/v1")


def order(value: Any, path: str = "/orders/{id}/lines") -> str:
    return sent({"id": value}, parameter("id", "path", "simple", False), path=path).target


@pytest.mark.parametrize(
    ("value", "segment"),
    [
        ("88213", "88213"),
        ("a/b?c", "a%2Fb%3Fc"),
        ("1?x=", "1%3Fx%3D"),
        ("1#", "1%23"),
        ("//evil", "%2F%2Fevil"),
        ("a%2fb", "a%252fb"),
        ("a;b&c=d", "a%3Bb%26c%3Dd"),
        ("ü €", "%C3%BC%20%E2%82%AC"),
        ("\r\nX-Admin: 1", "%0D%0AX-Admin%3A%201"),
        ("...", "..."),
        ("a..b", "a..b"),
        (7, "7"),
        (True, "true"),
        (1.5, "1.5"),
        (["a", "b/c"], "a,b%2Fc"),
    ],
)
def test_a_path_argument_is_one_segment(value: Any, segment: str) -> None:
    assert order(value) == f"/v1/orders/{segment}/lines"


@pytest.mark.parametrize(
    "value",
    ["", "..", ".", "../admin", "..\\admin", "a/../../b", "..%2fadmin", "%2e%2e", "%252e%252e%252fadmin", "a\\..",
     "a\x00", None, [], "\ud800"],
)  # fmt: skip
def test_a_path_argument_that_would_leave_its_place_is_refused(value: Any) -> None:
    with pytest.raises(InvalidArgument) as refused:
        order(value)
    assert refused.value.field == "id"


def test_two_halves_do_not_make_a_step() -> None:
    dots = [parameter("a", "path", "simple", False), parameter("b", "path", "simple", False)]
    with pytest.raises(InvalidArgument):
        sent({"a": ".", "b": "."}, *dots, path="/x/{a}{b}/y")
    assert sent({"a": "1", "b": "2"}, *dots, path="/x/{a}.{b}").target == "/v1/x/1.2"


@given(st.text(max_size=30))
@example("..%5c..%5c")
@settings(max_examples=300)
def test_whatever_it_is_it_stays_in_its_segment(value: str) -> None:
    try:
        target = order(value)
    except InvalidArgument:
        return
    head, tail = "/v1/orders/", "/lines"
    segment = target[len(head) : -len(tail)]
    assert target == f"{head}{segment}{tail}"
    assert unquote(segment) == value
    assert segment.isascii()
    assert segment.isprintable()
    assert not set(segment) & set("/?#\\ ")


@pytest.mark.parametrize(
    ("one", "value", "query"),
    [
        (parameter("q"), "a&b=c d+e", "q=a%26b%3Dc%20d%2Be"),
        (parameter("q"), "", "q="),
        (parameter("q"), ["a,b", "c&d"], "q=a%2Cb&q=c%26d"),
        (parameter("q"), [], ""),
        (parameter("q", explode=False), ["a,b", "c"], "q=a%2Cb,c"),
        (parameter("q", style="pipeDelimited", explode=False), ["a|b", "c"], "q=a%7Cb%7Cc"),
        (parameter("q", style="spaceDelimited", explode=False), ["a", "b"], "q=a%20b"),
        (parameter("q"), {"a": 1, "b&": "c"}, "a=1&b%26=c"),
        (parameter("q", explode=False), {"a": 1, "b": 2}, "q=a,1,b,2"),
        (parameter("q", style="deepObject"), {"a": 1, "b": {"c": [1, 2]}, "d]&x": "y"},
         "q%5Ba%5D=1&q%5Bb%5D%5Bc%5D%5B%5D=1&q%5Bb%5D%5Bc%5D%5B%5D=2&q%5Bd%5D%26x%5D=y"),
        (parameter("q", style="json"), {"a": [1]}, "q=%7B%22a%22%3A%5B1%5D%7D"),
        (parameter("filter[status]"), "open", "filter%5Bstatus%5D=open"),
        (parameter("q"), None, ""),
        (parameter("q"), False, "q=false"),
    ],
)  # fmt: skip
def test_query_styles(one: Parameter, value: Any, query: str) -> None:
    target = sent({one["argument"]: value}, one).target
    assert target == (f"/v1/x?{query}" if query else "/v1/x")


def test_a_secret_of_the_query_cannot_be_joined_by_another() -> None:
    plan: Plan = {"method": "GET", "path": "/x", "parameters": [parameter("q")]}
    key = [QueryPart("api_key", "s&cret")]
    assert parse_qsl(encoded(plan, {"q": "1"}, "/", key).target.partition("?")[2]) == [
        ("q", "1"),
        ("api_key", "s&cret"),
    ]
    with pytest.raises(InvalidArgument, match="another parameter's name"):
        encoded(plan, {"q": {"api_key": "mine"}}, "/", key)
    assert query_name(query_header("key[a] ü")) == "key[a] ü"
    assert query_name("X-Api-Key") is None


@pytest.mark.parametrize("value", ["a\r\nX-Admin: 1", "a\nb", "ü", "", " a", "a\x00", "x" * 9000, ["a", "b\r\n"]])
def test_a_header_argument_smuggles_nothing(value: Any) -> None:
    with pytest.raises(InvalidArgument, match="one line"):
        sent({"X-Shop": value}, parameter("X-Shop", "header", "simple", False))


def test_headers() -> None:
    made = sent({"X-Shop": ["a", "b"]}, parameter("X-Shop", "header", "simple", False))
    assert made.headers == {"x-shop": "a,b"}
    assert sent({}, parameter("X-Shop", "header", "simple", False)).headers == {}


def test_bodies() -> None:
    members = {"type": "application/json", "members": {"id_in_body": "id", "amount": "amount"}, "required": True}
    made = sent({"id_in_body": "x", "amount": None}, method="POST", body=members)
    assert orjson.loads(made.body) == {"id": "x", "amount": None}
    assert made.headers == {"content-type": "application/json"}
    assert sent({}, method="POST", body=members).body == b"{}"
    assert sent({}, method="POST", body={**members, "required": False}).body == b""
    whole = {"type": "application/json", "whole": "body", "required": False}
    assert sent({"body": [1]}, method="POST", body=whole).body == b"[1]"
    assert sent({}, method="POST", body=whole) == Encoded("POST", "/v1/x", {}, b"")
    form = {"type": FORM, "members": {"a": "a", "b": "b"}, "required": True}
    made = sent({"a": "x&y", "b": {"c": [1, {"d": True}]}}, method="POST", body=form)
    assert parse_qsl(made.body.decode()) == [("a", "x&y"), ("b[c][]", "1"), ("b[c][1][d]", "true")]


def test_bounds() -> None:
    with pytest.raises(InvalidArgument, match="characters"):
        sent({"q": "x" * 20_000}, parameter("q"))
