"""Header values and mirrored arguments: the same rules as the official implementation."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.shared import inbound

from tradepost.protocol.headers import accepts, decode_value, encode_value, fold, is_visible_ascii
from tradepost.protocol.parameter_headers import emitted, header_parameters, mismatch

texts = st.text(max_size=12) | st.sampled_from(["=?base64?x?=", " a ", "a\r\nX-Admin: 1", "", "=?base64??="])


def schema(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


@given(text=texts.filter(lambda text: text.isprintable() or "\ud800" not in text))
def test_values_are_encoded_as_the_official_client_does_and_come_back(text: str):
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    encoded = encode_value(text)
    assert encoded == inbound.encode_header_value(text)
    assert "\r" not in encoded
    assert "\n" not in encoded
    assert decode_value(encoded) == text


@given(value=st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=24))
def test_values_are_decoded_as_the_official_server_does(value: str):
    for header in (value, f"=?base64?{value}?="):
        assert decode_value(header) == inbound.decode_header_value(header)


def test_a_header_with_forbidden_characters_has_no_value():
    assert decode_value("a\x01") is None
    assert decode_value("é") is None


def test_doubled_headers_are_joined_so_that_neither_copy_counts():
    assert fold([(b"Host", b"a"), (b"host", b"b")]) == {"host": "a, b"}


def test_accept_knows_wildcards():
    assert accepts(None, "application/json")
    assert accepts("text/html, application/*;q=0.1", "application/json")
    assert not accepts("text/html", "application/json")


def test_visible_ascii_has_no_blanks_and_a_length():
    assert is_visible_ascii("a-1", 3)
    assert not is_visible_ascii("a-12", 3)
    assert not is_visible_ascii("a 1", 9)
    assert not is_visible_ascii("a\n", 9)
    assert not is_visible_ascii("", 9)


REGION = {"type": "string", "x-mcp-header": "Region"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "string", "x-mcp-header": ""},
        {"type": "string", "x-mcp-header": "a b"},
        {"type": "string", "x-mcp-header": "a\r\nb"},
        {"type": "string", "x-mcp-header": 7},
        {"type": "number", "x-mcp-header": "Amount"},
        {"type": ["string"], "x-mcp-header": "Region"},
        {"type": "array", "items": REGION},
        {"anyOf": [REGION]},
        {"$defs": {"r": REGION}},
        {"additionalProperties": REGION},
        {"type": "object", "patternProperties": {"x": REGION}},
    ],
)
def test_forbidden_declarations_are_refused(wrong: dict[str, Any]):
    with pytest.raises(ValueError, match="x-mcp-header"):
        header_parameters(schema(a=wrong))
    assert inbound.find_invalid_x_mcp_header(schema(a=wrong)) is not None


def test_the_same_header_twice_is_refused_whatever_its_case():
    with pytest.raises(ValueError, match="twice"):
        header_parameters(schema(a=REGION, b={"type": "string", "x-mcp-header": "REGION"}))


def test_data_that_looks_like_a_declaration_is_none():
    found = header_parameters(schema(a={"type": "object", "default": REGION, "examples": [REGION], "const": REGION}))
    assert found == ()


SCHEMA = schema(
    region=REGION,
    count={"type": "integer", "x-mcp-header": "Count"},
    flag={"type": "boolean", "x-mcp-header": "Flag"},
    deep=schema(name={"type": "string", "x-mcp-header": "Deep-Name"}),
)
arguments = st.fixed_dictionaries(
    {},
    optional={
        "region": st.text(max_size=5) | st.none() | st.integers(),
        "count": st.integers(-(10**9), 10**9) | st.none(),
        "flag": st.booleans(),
        "deep": st.fixed_dictionaries({}, optional={"name": st.text(max_size=3)}) | st.text(max_size=2),
    },
)


@given(arguments=arguments)
def test_what_we_send_the_official_server_accepts_and_so_do_we(arguments: dict[str, Any]):
    parameters = header_parameters(SCHEMA)
    try:
        headers = emitted(parameters, arguments)
    except UnicodeEncodeError:
        return
    assert mismatch(parameters, arguments, headers) is None
    assert inbound.validate_mcp_param_headers(SCHEMA, arguments, headers) is None
    official = inbound.mcp_param_headers(inbound.x_mcp_header_map(SCHEMA), arguments)
    assert headers == {name.lower(): value for name, value in official.items()}


@pytest.mark.parametrize(("header", "agrees"), [("42", True), ("42.0", True), ("42.5", False), ("4.2e1", False)])
def test_integers_are_compared_as_numbers(header: str, agrees: bool):
    problem = mismatch(header_parameters(SCHEMA), {"count": 42}, {"mcp-param-count": header})
    assert (problem is None) == agrees
