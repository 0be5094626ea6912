"""One pinned schema: its class, and its validator, compiled when the first value needs it.

A schema reaches this place only after intake bounded it (size, depth, no outside references, no costly nesting). It is
compiled without network, and with a regex engine that runs in linear time. Only what `is_inline` says yes to may be
asked of it in the process that serves; everything else is for a process that can be ended.
"""

from collections.abc import Mapping
from typing import Any, Literal

import jsonschema_rs
import orjson

from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.registry.schema_weight import DESCRIBED_STEPS, INLINE_STEPS, Weight, weight_of

_LINEAR = jsonschema_rs.RegexOptions()


def compile_schema(schema: Mapping[str, Any]) -> jsonschema_rs.Validator:
    """A validator of the dialect that `$schema` names (2020-12 without one), which reads nothing from outside.

    Raises InvalidArgument when the schema itself is wrong."""
    try:
        return jsonschema_rs.validator_for(dict(schema), offline=True, pattern_options=_LINEAR, validate_formats=True)
    except ValueError as error:  # also the library's ValidationError and ReferencingError
        said = str(error).splitlines()[0]
        shown = "".join(letter if letter.isprintable() else "?" for letter in said[:80])
        raise InvalidArgument(f"The schema is not usable: {shown}{'…' if len(said) > 80 else ''}.") from error


class SchemaCheck:
    """The check of one schema. Nothing is worked out before it is needed: a catalog has thousands of them."""

    __slots__ = ("_text", "_validator", "_weight", "schema")

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.schema = schema
        self._text: bytes | None = None
        self._weight: Weight | Literal["unknown"] | None = "unknown"
        self._validator: jsonschema_rs.Validator | None = None

    @property
    def text(self) -> bytes:
        """The schema as JSON."""
        if self._text is None:
            self._text = orjson.dumps(self.schema)
        return self._text

    @property
    def weight(self) -> Weight | None:
        """The class of the schema; None for a costly one."""
        if self._weight == "unknown":
            self._weight = weight_of(self.schema)
        return self._weight

    def is_inline(self, text: bytes) -> bool:
        """Whether asking `fits` about the value that stands in a JSON text takes no more than a moment."""
        weight = self.weight
        return weight is not None and weight.is_within(INLINE_STEPS, text)

    def is_surely_inline(self, size: int) -> bool:
        """The same about any value that stands in so many bytes of JSON, perhaps among others."""
        weight = self.weight
        return weight is not None and weight.is_surely_within(INLINE_STEPS, size)

    def is_described_inline(self, text: bytes) -> bool:
        """The same for `first_error`."""
        weight = self.weight
        return weight is not None and weight.is_within(DESCRIBED_STEPS if weight.alternatives else INLINE_STEPS, text)

    def fits(self, value: Any) -> bool:
        """Whether a value is what the schema says. Raises InvalidArgument for a schema that is wrong, ValueError for a
        value that is not JSON."""
        return self._compiled().is_valid(value)

    def first_error(self, value: Any) -> jsonschema_rs.ValidationError | None:
        """The first mistake in a value; None when it fits. Raises like `fits`."""
        try:
            self._compiled().validate(value)
        except jsonschema_rs.ValidationError as error:
            return error
        return None

    def _compiled(self) -> jsonschema_rs.Validator:
        if self._validator is None:
            self._validator = compile_schema(self.schema)
        return self._validator
