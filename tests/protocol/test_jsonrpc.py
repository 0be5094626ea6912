"""The envelope: what is taken, what is refused, and that the cheap check never accepts what the strict one refuses."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradepost.foundation.canonical import parse_strict
from tradepost.foundation.errors import InvalidArgument
from tradepost.protocol.jsonrpc import Malformed, error_answer, parse_json, parse_message, result_answer

OK = b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}'


def code_of(body: bytes) -> int:
    with pytest.raises(Malformed) as caught:
        parse_message(body)
    return caught.value.code


def test_a_request_and_a_notification_are_told_apart():
    request = parse_message(b'{"jsonrpc":"2.0","id":"a","method":"m","params":{"x":1}}')
    assert (request.id, request.method, request.params) == ("a", "m", {"x": 1})
    assert parse_message(b'{"jsonrpc":"2.0","method":"m"}').id is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        OK + OK,
        b"\xef\xbb\xbf" + OK,
        OK.decode().encode("utf-16"),
        b'{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":NaN}}',
        b'{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":Infinity}}',
        b'{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":1e400}}',
        b'{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":"\\ud800"}}',
        b'{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":"\\u0000"}}',
        b'{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":"\xff"}}',
        b'{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":1,"a":2}}',
        b'{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":1,"a" :2}}',
        b'{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":1,"\\u0061":2}}',
        b'{"jsonrpc":"2.0","id":1,"method":"m","method":"n"}',
        b'{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":' + b"9" * 5000 + b"}}",
        b'{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":' + b"[" * 900 + b"]" * 900 + b"}}",
        b'{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}}",
    ],
)
def test_text_that_is_no_json_or_can_be_read_in_two_ways_is_a_parse_error(body: bytes):
    assert code_of(body) == -32700


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"[" + OK + b"]",
        b"1",
        b"null",
        b"{}",
        b'{"jsonrpc":"1.0","id":1,"method":"m"}',
        b'{"jsonrpc":"2.0","id":1,"result":{}}',
        b'{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x"}}',
        b'{"jsonrpc":"2.0","id":1,"method":"m","result":{}}',
        b'{"jsonrpc":"2.0","id":null,"method":"m"}',
        b'{"jsonrpc":"2.0","id":1.5,"method":"m"}',
        b'{"jsonrpc":"2.0","id":1.0,"method":"m"}',
        b'{"jsonrpc":"2.0","id":true,"method":"m"}',
        b'{"jsonrpc":"2.0","id":{},"method":"m"}',
        b'{"jsonrpc":"2.0","id":18446744073709551616,"method":"m"}',
        b'{"jsonrpc":"2.0","id":"' + b"x" * 10_000 + b'","method":"m"}',
        b'{"jsonrpc":"2.0","id":1,"method":7}',
        b'{"jsonrpc":"2.0","id":1,"method":""}',
        b'{"jsonrpc":"2.0","id":1,"method":"m","params":[1]}',
    ],
)
def test_json_that_is_no_single_request_or_notification_is_an_invalid_request(body: bytes):
    assert code_of(body) == -32600


def test_numbers_keep_their_value():
    body = b'{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":123456789012345678901234567890,"b":9007199254740993}}'
    assert parse_message(body).params == {"a": 123456789012345678901234567890, "b": 9007199254740993}


def test_bombs_are_refused_quickly():
    for payload in (b"[" * 1000, b'{"a":' * 50_000, b"9" * 1_000_000, b'"' + b"x" * 3_000_000):
        started = time.perf_counter()
        with pytest.raises(Malformed):
            parse_message(payload)
        assert time.perf_counter() - started < 0.5


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(value=json_values, indent=st.sampled_from([None, 1]), colon=st.sampled_from([":", ": ", " :", "\n:\t"]))
def test_the_cheap_parser_agrees_with_the_strict_one(value: object, indent: int | None, colon: str):
    text = json.dumps(value, indent=indent, separators=(",", colon), ensure_ascii=False).encode(
        "utf-8", "surrogatepass"
    )
    try:
        expected = parse_strict(text)
    except InvalidArgument:
        with pytest.raises(Malformed):
            parse_json(text)
    else:
        assert parse_json(text) == expected


fragments = st.lists(
    st.sampled_from(['"a"', '"b"', '":"', '" :"', ":", " ", "\n", ",", "{", "}", "[", "]", "1", '"\\":"', "\t", '""']),
    max_size=24,
).map("".join)


@given(text=st.lists(st.tuples(st.sampled_from(["a", "b", "a:", ' :"', '":']), fragments), max_size=4))
def test_no_doubled_key_slips_through_the_count_of_colons(text: list[tuple[str, str]]):
    body = "{" + ",".join(f"{json.dumps(key)} : {json.dumps(value)}" for key, value in text) + "}"
    keys = [key for key, _ in text]
    if len(set(keys)) == len(keys):
        assert parse_json(body.encode()) == dict(text)
    else:
        with pytest.raises(Malformed):
            parse_json(body.encode())


def test_answers_are_joined_from_ready_bytes():
    assert result_answer('q"', b'{"x":1}') == b'{"jsonrpc":"2.0","id":"q\\"","result":{"x":1}}'
    assert json.loads(error_answer(None, -32700, "no", {"a": 1})) == {
        "jsonrpc": "2.0",
        "id": None,
        "error": {"code": -32700, "message": "no", "data": {"a": 1}},
    }
