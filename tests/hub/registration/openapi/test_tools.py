"""What an operation becomes: its name, its arguments, its shapes, its class (S0.36, S0.46)."""

import orjson
import pytest

from tests.hub.registration.openapi.documents import (
    compile_all,
    definition,
    document,
    gives,
    one,
    parameter,
    plan,
    problem,
    takes,
)
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.registration.intake import tool_finding
from tradepost.hub.registration.openapi.addresses import base_url
from tradepost.hub.registration.openapi.operations import chosen, operations_of
from tradepost.hub.registration.openapi.references import Document
from tradepost.hub.registration.openapi.security import headers_for, schemes_of
from tradepost.hub.upstreams.rest.plan import plan_of

OBJECT = {"type": "object", "properties": {"amount": {"type": "integer"}, "id": {"type": "string"}}}


def _names(paths: dict[str, object], given: dict[str, str] | None = None) -> list[str]:
    return [one.name for one in operations_of(Document(document(paths)), given)]


def test_names_are_sound_unique_and_stay() -> None:
    paths = {
        "/orders/{id}/lines": {"get": {}, "post": {"operationId": "Orders::add Line!"}},
        "/a": {"get": {"operationId": "list"}},
        "/b": {"get": {"operationId": "List"}},
        "/c": {"get": {"operationId": "取得"}},
        "/d": {"get": {"operationId": "x" * 200}},
    }
    names = _names(paths)
    assert names[:5] == ["get_orders_by_id_lines", "Orders_add_Line", "get_a", "get_b", "get_c"]
    assert len(names[5]) == 64
    assert all(tool_finding({"name": name, "inputSchema": {"type": "object"}}) is None for name in names)
    # A newcomer takes no name that somebody has, and moves nobody.
    kept = {"GET /a": "list"}
    later = {**paths, "/e": {"get": {"operationId": "list"}}, "/g/e": {"get": {}}, "/g_e": {"get": {}}}
    named = _names(later, kept)
    assert named[2] == "list"
    assert len({name.lower() for name in named}) == len(named)
    assert sorted(_names(dict(reversed(later.items())), kept)) == sorted(named)


def test_choosing() -> None:
    paths = {
        "/invoices": {"get": {"operationId": "list_invoices", "tags": ["billing"]}, "post": {"tags": ["billing"]}},
        "/invoices/{id}": {"get": {}, "delete": {}, "options": {}, "trace": {}},
    }
    operations = operations_of(Document(document(paths)))
    assert [one.tool_class for one in operations] == ["read", "write", "read", "destructive"]

    def keys(*choice: str) -> list[str]:
        return [one.key for one in chosen(operations, choice)]

    assert keys("list_invoices", "delete /invoices/{id}") == ["GET /invoices", "DELETE /invoices/{id}"]
    assert keys("tag:billing") == ["GET /invoices", "POST /invoices"]
    assert keys("reads") == ["GET /invoices", "GET /invoices/{id}"]
    assert len(keys("all")) == 4
    assert keys() == []
    with pytest.raises(InvalidArgument, match="no operation 'nothing'"):
        keys("all", "nothing")


def test_arguments_of_path_query_header_and_body_are_one_object() -> None:
    operation = {
        "parameters": [
            parameter("id", "query"),
            parameter("X-Trace", "header", required=True),
            parameter("limit", schema={"type": "integer", "maximum": 100}, description="How many."),
            *(parameter(name, "header") for name in ("Authorization", "Accept", "Cookie", "Host", "X-Forwarded-For")),
        ],
        **takes({**OBJECT, "required": ["amount"]}, required=True),
    }
    raw = document({"/customers/{id}/charges": {"parameters": [parameter("id", "path")], "post": operation}})
    made = definition(raw)
    schema = made["inputSchema"]
    assert list(schema["properties"]) == ["id", "id_in_query", "X-Trace", "limit", "amount", "id_in_body"]
    assert schema["required"] == ["id", "X-Trace", "amount"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["limit"] == {"type": "integer", "maximum": 100, "description": "How many."}
    found = plan(raw)
    assert [(one["argument"], one["name"], one["place"]) for one in found["parameters"]] == [
        ("id", "id", "path"),
        ("id_in_query", "id", "query"),
        ("X-Trace", "X-Trace", "header"),
        ("limit", "limit", "query"),
    ]
    assert found["body"]["members"] == {"amount": "amount", "id_in_body": "id"}
    assert made["annotations"]["readOnlyHint"] is False


def test_an_operations_own_parameter_goes_before_its_paths() -> None:
    shared = [parameter("page", schema={"type": "string"})]
    raw = document(
        {"/a": {"parameters": shared, "get": {"parameters": [parameter("page", schema={"type": "integer"})]}}}
    )
    assert definition(raw)["inputSchema"]["properties"] == {"page": {"type": "integer"}}


def test_a_variable_that_nobody_declared_is_an_argument_all_the_same() -> None:
    assert definition(one({}, path="/a/{orderId}"))["inputSchema"]["required"] == ["orderId"]


@pytest.mark.parametrize(
    ("schema", "argument"),
    [
        ({"type": "array", "items": {"type": "string"}}, {"type": "array", "items": {"type": "string"}}),
        ({"oneOf": [OBJECT, {"type": "string"}]}, {"anyOf": [OBJECT, {"type": "string"}]}),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, None),
    ],
)
def test_a_body_that_is_no_plain_object_is_one_argument(schema: dict[str, object], argument: object) -> None:
    made = definition(one(takes(schema, required=True), "post"))["inputSchema"]
    assert made["required"] == ["body"]
    assert made["properties"] == {"body": schema if argument is None else argument}


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (one({"parameters": [parameter("sid", "cookie", required=True)]}), "needs the cookie 'sid'"),
        (one({"parameters": [parameter("a", "path", style="matrix")]}, path="/x/{a}"), "style matrix"),
        (one({"parameters": [{"$ref": "other.yaml#/a"}]}), "leads out of the document"),
        (one({"parameters": [{"$ref": "http://127.0.0.1/a"}]}), "leads out of the document"),
        (one({"parameters": [{"$ref": "#/components/nothing"}]}), "leads to nothing"),
        (one({"parameters": [{"$ref": "#/x"}]}, x={"$ref": "#/x"}), "refers to itself"),
        (one(takes({"$ref": "file:///etc/passwd"}), "post"), "leads out of the document"),
        (one(takes({}, "multipart/form-data", required=True), "post"), "neither JSON nor a form"),
        (one({"parameters": [parameter("X-A\r\nX-Admin", "header")]}), "no header has"),
        (one(takes({}, "application/x\r\ny+json", required=True), "post"), "neither JSON nor a form"),
        (one({}, path="/a/../b"), "step"),
        (one({}, path="/a/%2e%2e/b"), "step"),
        (one({}, path="/a?x=1"), "characters"),
        (one({}, path="//evil.example/a b"), "characters"),
        (one({}, path="/a/{b"), "brace"),
    ],
)
def test_what_cannot_be_a_tool_says_why(raw: dict[str, object], says: str) -> None:
    assert says in problem(raw)


def test_one_bad_operation_leaves_the_others() -> None:
    paths = {"/a": {"get": {"parameters": [{"$ref": "x.json"}]}}, "/b": {"get": {}}, "/c": {"$ref": "c.yaml"}, "/d": 7}
    made = compile_all(document(paths))
    assert list(made.definitions) == ["GET /b"]
    assert list(made.problems) == ["GET /a"]


def test_servers_of_operations_own() -> None:
    """The credential goes to one origin, whatever a document says."""
    elsewhere = {"get": {"servers": [{"url": "https://evil.example"}]}}
    made = compile_all(document({"/x": {"get": {"servers": [{"url": "/v2/"}]}}, "/y": {"get": {}}, "/z": elsewhere}))
    found = plan_of(made.definitions["GET /x"])
    assert found is not None
    assert (found["path"], found["rooted"]) == ("/v2/x", True)
    assert "another origin" in made.problems["GET /z"]
    # Where all of them are elsewhere, that is where the API was when the document was written.
    moved = {"servers": [{"url": "https://messaging.example"}], "get": {}}
    plain = plan(document({"/x": moved}, servers=[{"url": "https://api.example"}]))
    assert (plain["path"], "rooted" in plain) == ("/x", False)


@pytest.mark.parametrize(
    ("servers", "source", "given", "url"),
    [
        ([{"url": "https://a.example/v1/"}], None, None, "https://a.example/v1"),
        ([{"url": "/v1"}], "https://docs.example/spec/openapi.json", None, "https://docs.example/v1"),
        ([{"url": "../v2"}], "https://docs.example/spec/openapi.json", None, "https://docs.example/v2"),
        (None, "https://docs.example/spec/openapi.json", None, "https://docs.example"),
        ([{"url": "/v1"}], None, "https://b.example/", "https://b.example"),
        ([{"url": "https://{r}.a.example:{p}", "variables": {"r": {"default": "eu", "enum": ["eu", "us"]},
                                                             "p": {"default": "443"}}}], None, None,
         "https://us.a.example:443"),
        ([{"url": "/v1"}], None, None, "does not say where"),
        ([{"url": "https://{r}.a.example"}], None, None, "'r' has no value"),
        ([{"url": "https://{r}.a.example", "variables": {"r": {"default": "eu", "enum": ["eu"]}}}], None, None,
         "one of eu"),
        ([{"url": "ftp://a.example"}], None, None, "does not say where"),
        ([{"url": "https://a.example/?x=1"}], None, None, "a query"),
        ([{"url": "http://[::1:8080/"}], "https://docs.example/openapi.json", None, "is no address"),
        ("nonsense", None, None, "does not say where"),
    ],
)  # fmt: skip
def test_where_an_api_is(servers: object, source: str | None, given: str | None, url: str) -> None:
    found = Document(document({}, servers=servers) if servers is not None else document({}))
    if url.startswith("https://"):
        assert base_url(found, [], source, given, {"r": "us"}) == url
        return
    with pytest.raises(InvalidArgument, match=url) as refused:
        base_url(found, [], source, given, {"r": "us"} if "one of eu" in url else {})
    assert refused.value.field == "base_url"


def test_credentials_by_scheme() -> None:
    schemes = {
        "Head": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
        "Query": {"type": "apiKey", "in": "query", "name": "key[a]"},
        "Cookie": {"type": "apiKey", "in": "cookie", "name": "sid"},
        "Two cookies": {"type": "apiKey", "in": "cookie", "name": "a=1; b"},
        "Basic": {"type": "http", "scheme": "Basic"},
        "Bearer": {"$ref": "#/components/securitySchemes/Token"},
        "Token": {"type": "http", "scheme": "bearer"},
        "OAuth": {
            "type": "oauth2",
            "flows": {"clientCredentials": {"tokenUrl": "https://t.example", "scopes": {"a": ""}}},
        },
        "Mutual": {"type": "mutualTLS"},
        "Odd": 7,
    }
    found = Document(document({}, components={"securitySchemes": schemes}))
    assert schemes_of(found)["OAuth"].token_url == "https://t.example"
    given = {"Head": "k1", "Query": "k2", "Basic": "me:pw", "Cookie": "k3=="}
    assert [(one.name, one.value, one.hidden) for one in headers_for(found, given)] == [
        ("X-Api-Key", "k1", True),
        ("tradepost-query-key%5Ba%5D", "k2", True),
        ("Authorization", "Basic bWU6cHc=", True),
        ("tradepost-cookie-sid", "k3==", True),
    ]
    assert headers_for(found, {"OAuth": "t"})[0].value == headers_for(found, {"Bearer": "t"})[0].value == "Bearer t"
    assert headers_for(found, {"Cookie": "secret://vault/kv/a#b"})
    for wrong in (
        {"Cookie": "x; admin=1"},
        {"Two cookies": "x"},
        {"Mutual": "x"},
        {"Nothing": "x"},
        {"Basic": "x"},
        {"Bearer": "x", "OAuth": "y"},
    ):
        with pytest.raises(InvalidArgument) as refused:
            headers_for(found, wrong)
        assert refused.value.field == "credentials"


def test_idempotency_keys_are_the_hubs_to_give() -> None:
    made = definition(one(takes(OBJECT), "post"), key_header="Request-Key")
    assert made["inputSchema"]["properties"]["idempotency_key"]["maxLength"] == 255
    declared = one({"parameters": [parameter("Idempotency-Key", "header", required=True)]}, "post")
    assert list(definition(declared)["inputSchema"]["properties"]) == ["idempotency_key"]
    assert "required" not in definition(declared)["inputSchema"]
    assert plan(declared)["parameters"][0]["name"] == "Idempotency-Key"
    reads = one({"parameters": [parameter("Idempotency-Key", "header")]})
    assert definition(reads, key_header="Idempotency-Key")["inputSchema"]["properties"] == {}
    # A body's own member of that name is not the hub's.
    own = one(takes({"type": "object", "properties": {"idempotency_key": {"type": "string"}}}), "post")
    assert list(definition(own)["inputSchema"]["properties"]) == ["idempotency_key_in_body"]


def test_credentials_are_no_arguments() -> None:
    schemes = {
        "Key": {"type": "apiKey", "in": "query", "name": "api_key"},
        "Head": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
        "Cookie": {"type": "apiKey", "in": "cookie", "name": "sid"},
    }
    credentials = [parameter("api_key"), parameter("x-api-key", "header"), parameter("sid", "cookie", required=True)]
    operation = {"parameters": [*credentials, parameter("q")]}
    made = definition(one(operation, components={"securitySchemes": schemes}))
    assert list(made["inputSchema"]["properties"]) == ["q"]


def test_words() -> None:
    made = definition(one({"summary": "List them.", "description": "All\r\nof\u200b them.", "deprecated": True}))
    assert made["description"] == "Deprecated. List them. All\nof them."
    assert made["title"] == "List them."
    assert definition(one({}))["description"] == "GET /things"
    long = definition(one({"description": "x" * 10_000}))["description"]
    assert len(long) < 1_600
    assert "more characters" in long


# --- schemas ------------------------------------------------------------------------------------------


def _body(schema: dict[str, object], version: str = "3.1.0", **components: object) -> dict[str, object]:
    operation = takes({"type": "object", "properties": {"v": schema}})
    made = definition(one(operation, "post", version=version, components={"schemas": components}))
    value: dict[str, object] = made["inputSchema"]["properties"]["v"]
    return value


def test_cycles_end() -> None:
    node = {"type": "object", "properties": {"name": {"type": "string"}, "children": {"type": "array", "items": None}}}
    node["properties"]["children"]["items"] = {"$ref": "#/components/schemas/Node"}  # type: ignore[index]
    made = _body({"$ref": "#/components/schemas/Node"}, Node=node)
    assert made["properties"]["children"]["items"] == {"type": "object"}  # type: ignore[index]
    assert "$ref" not in str(made)
    mutual = {"allOf": [{"$ref": "#/components/schemas/B"}]}
    assert "$ref" not in str(_body({"$ref": "#/components/schemas/A"}, A=mutual, B={"$ref": "#/components/schemas/A"}))


def test_all_of_is_one_object() -> None:
    made = _body(
        {
            "allOf": [
                {"$ref": "#/components/schemas/Base"},
                {"properties": {"b": {"type": "integer"}}, "required": ["b"]},
            ]
        },
        Base={"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
    )
    assert made == {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "integer"}},
        "required": ["a", "b"],
    }
    apart = _body({"allOf": [{"type": "string", "minLength": 2}, {"type": "string", "maxLength": 3}]})
    assert apart == {"allOf": [{"type": "string", "minLength": 2}, {"type": "string", "maxLength": 3}]}


def test_what_3_0_says_otherwise() -> None:
    assert _body({"type": "string", "nullable": True, "enum": ["a"]}, "3.0.3") == {
        "type": ["string", "null"],
        "enum": ["a", None],
    }
    nested: dict[str, object] = {"type": "integer", "nullable": True}
    for _ in range(14):
        nested = {"type": "object", "nullable": True, "properties": {"a": nested}}
    assert str(_body(nested, "3.0.3")).count("'null'") == 13  # also where it is cut
    assert _body({"type": "integer", "minimum": 0, "exclusiveMinimum": True}, "3.0.3") == {
        "type": "integer",
        "exclusiveMinimum": 0,
    }
    assert _body({"type": ["string", "null"]}) == {"type": ["string", "null"]}
    assert _body({"type": "string", "pattern": "(?=x)y", "example": "q", "x-internal": 1}) == {"type": "string"}


def test_what_is_only_read_is_not_sent_and_the_other_way_round() -> None:
    schema = {
        "type": "object",
        "properties": {
            "id": {"type": "string", "readOnly": True},
            "secret": {"type": "string", "writeOnly": True},
            "name": {"type": "string"},
        },
        "required": ["id", "name", "secret"],
    }
    made = definition(one({**takes(schema, required=True), **gives(schema)}, "post"))
    assert made["inputSchema"]["required"] == ["secret", "name"]
    assert list(made["inputSchema"]["properties"]) == ["secret", "name"]
    assert made["outputSchema"]["required"] == ["id", "name"]


def test_a_huge_schema_is_cut_where_it_is_deep() -> None:
    schema: dict[str, object] = {"type": "string"}
    for level in range(7):
        schema = {"type": "object", "properties": {f"m{level}_{n}": schema for n in range(4)}}
    made = definition(one({**takes(schema), **gives(schema)}, "post"))
    assert list(made["inputSchema"]["properties"]) == [f"m6_{n}" for n in range(4)]
    assert tool_finding(made) is None
    assert len(orjson.dumps(made)) < 64 * 1024


def test_answers_have_a_shape_only_where_the_document_is_clear() -> None:
    schema = {
        "type": "object",
        "properties": {"id": {"type": "string", "enum": ["a"], "pattern": "a"}, "lines": {"type": "array"}},
        "required": ["id"],
        "additionalProperties": False,
    }
    shape = {"type": "object", "properties": {"id": {"type": "string"}, "lines": {"type": "array"}}, "required": ["id"]}
    assert definition(one(gives(schema)))["outputSchema"] == shape
    assert definition(one(gives({"type": "array", "items": schema})))["outputSchema"] == {
        "type": "object",
        "properties": {"result": {"type": "array", "items": shape}},
        "required": ["result"],
    }
    unclear = gives(schema)
    unclear["responses"]["204"] = {"description": ""}
    for operation in (unclear, gives({"type": "string"}), gives({"$ref": "x.json"}), {"responses": {}}, {}):
        assert "outputSchema" not in definition(one(operation))
    assert "outputSchema" not in definition(one(gives(schema)), checks_answers=False)
    assert definition(one(gives(schema)), fields={"GET /things": ["lines"]})["outputSchema"] == {
        "type": "object",
        "properties": {"lines": {"type": "array"}},
        "required": [],
    }
