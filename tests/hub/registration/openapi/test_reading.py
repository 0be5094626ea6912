"""What is read as a document and what is refused, with a sentence and at once."""

import orjson
import pytest

from tests.hub.registration.openapi.documents import document
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.registration.openapi.reading import MAX_BYTES, read_document

YAML = b"""\
openapi: 3.0.3
info: {title: Billing, version: 2024-01-01}
paths:
  /countries/{code}:
    get:
      parameters:
        - {name: code, in: path, required: true, schema: {type: string, enum: [no, de, on]}}
      responses:
        200: {description: at 12:30:00}
"""


def test_yaml_means_what_is_written() -> None:
    """No country becomes a false, no version a date, and a status is a key like any other."""
    raw = read_document(YAML)
    assert raw["info"]["version"] == "2024-01-01"
    operation = raw["paths"]["/countries/{code}"]["get"]
    assert operation["parameters"][0]["schema"]["enum"] == ["no", "de", "on"]
    assert operation["responses"] == {"200": {"description": "at 12:30:00"}}
    assert read_document(b"\xef\xbb\xbf" + orjson.dumps(raw)) == raw


def _laughing() -> bytes:
    lines = ["openapi: 3.0.3", "paths: {}", "a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    return "\n".join(lines).encode()


def _merging() -> bytes:
    lines = ["openapi: 3.0.3", "paths: {}", "a0: &a0 {k: v}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 12)]
    return "\n".join(lines).encode()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"<!doctype html><html>", "is a web page"),
        (b'{"openapi": ', "is not JSON"),
        (b"openapi: [", "is not YAML that can be read in line"),
        (b"just words", "is not an object"),
        (b"", "is not an object"),
        (b"\xff\xfe", "is not UTF-8"),
        (b'{"swagger": "2.0", "paths": {}}', "is Swagger 2.0"),
        (b'{"jsonrpc": "2.0"}', "is no OpenAPI document"),
        (b"openapi: 4.0.0\npaths: {}", "of the version 4.0.0"),
        (b'{"openapi": "3.1.0", "paths": []}', "`paths` that are not an object"),
        (b'{"a":' * 900 + b"1" + b"}" * 900, "deeper than"),
        (b"[" * 50_000, "deeper than"),
        (b"a: !!python/object/apply:os.system [ls]", "has a tag"),
        (b"a: !!binary eA==", "has a tag"),
        (b"&a [*a]", "no anchor that is complete"),
        (b"openapi: 3.0.0\n---\nopenapi: 3.0.0", "more than one document"),
        (b"openapi: 3.0.0\n? [a]\n: b", "a key is no text"),
        (b"openapi: \x00", "is not YAML"),
        (b" " * (MAX_BYTES + 1), "larger than"),
    ],
)
def test_what_is_no_document_is_refused_with_a_sentence(data: bytes, says: str) -> None:
    with pytest.raises(InvalidArgument, match=says) as refused:
        read_document(data)
    assert refused.value.field == "document"
    assert refused.value.hint


@pytest.mark.parametrize(("data", "says"), [(_laughing(), "more than"), (_merging(), "merge keys")])
def test_a_few_lines_do_not_become_a_billion(data: bytes, says: str) -> None:
    """security.md §2 row 31, in YAML."""
    with pytest.raises(InvalidArgument, match=says):
        read_document(data)


def test_a_document_without_paths_has_no_operations() -> None:
    assert read_document(orjson.dumps({**document({}), "paths": {}}))["paths"] == {}
