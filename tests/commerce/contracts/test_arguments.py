"""The schema that a tool publishes is the one it checks by: neither takes what the other refuses (rule C11)."""

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.commerce.contracts.arguments import arguments, spoiled
from tests.commerce.contracts.offered import TOOLS, names
from tradepost.commerce.serving.declare import Tool
from tradepost.foundation.errors import InvalidArgument

# The same examples in every run: a suite that is red today was red yesterday.
quick = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
every_tool = pytest.mark.parametrize("tool", TOOLS, ids=names)


def mistake(tool: Tool, made: dict[str, Any]) -> InvalidArgument | None:
    """What the tool has against the arguments."""
    try:
        tool.check(made)
    except InvalidArgument as error:
        return error
    return None


@every_tool
def test_what_the_published_schema_allows_is_taken(tool: Tool) -> None:
    schema = jsonschema_rs.validator_for(tool.input_schema, validate_formats=True)

    @quick
    @given(made=arguments(tool.input_schema))
    def holds(made: dict[str, Any]) -> None:
        assert schema.is_valid(made), made
        error = mistake(tool, made)
        assert error is None, (error.message, made)

    holds()


@every_tool
def test_what_is_refused_the_published_schema_refuses(tool: Tool) -> None:
    lenient = jsonschema_rs.validator_for(tool.input_schema)
    strict = jsonschema_rs.validator_for(tool.input_schema, validate_formats=True)
    for made in spoiled(tool.input_schema):
        error = mistake(tool, made)
        if error is not None and "U+0000" not in error.message:  # what no schema says: text without NUL
            assert not strict.is_valid(made), (error.message, str(made)[:300])
            assert len(error.message) < 500
        elif error is None:  # a reader of times may take more spellings than RFC 3339 has
            assert lenient.is_valid(made), str(made)[:300]


@every_tool
def test_an_unknown_argument_and_a_missing_one_are_named(tool: Tool) -> None:
    error = mistake(tool, {"no_such_argument": 1})
    assert error is not None
    required = tool.input_schema.get("required", [])
    assert any(name in f"{error.message} {error.field}" for name in ["no_such_argument", *required])
