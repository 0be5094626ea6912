"""A document and what was chosen of it, compiled: tools that can be offered, and why others cannot."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.untrusted import clean
from tradepost.hub.registration.intake import MAX_TOOLS
from tradepost.hub.registration.openapi.addresses import Homes
from tradepost.hub.registration.openapi.operations import Operation, chosen, operations_of
from tradepost.hub.registration.openapi.reading import words
from tradepost.hub.registration.openapi.references import Document, Unusable
from tradepost.hub.registration.openapi.security import Scheme, reserved_names, schemes_of
from tradepost.hub.registration.openapi.terms import Terms
from tradepost.hub.registration.openapi.tool import Frame, definition_of

Json = dict[str, Any]

MAX_TITLE = 100


@dataclass(frozen=True, slots=True)
class Compiled:
    """All operations, the definitions of those that were chosen by key, and by key why some of them have none."""

    title: str
    schemes: Sequence[Scheme]
    operations: Sequence[Operation]
    definitions: Mapping[str, Json]
    problems: Mapping[str, str]

    def names(self, before: Mapping[str, str]) -> dict[str, str]:
        """Names by key that stay from now on."""
        chosen_keys = {*self.definitions, *self.problems}
        return {**before, **{one.key: one.name for one in self.operations if one.key in chosen_keys}}


def compiled(raw: Json, terms: Terms, base: str, source: str | None) -> Compiled:
    """What a document comes to. Raises InvalidArgument for a choice that names nothing, or too much."""
    document = Document(raw)
    operations = operations_of(document, terms.names)
    picked = chosen(operations, terms.operations)
    if len(picked) > MAX_TOOLS:
        raise InvalidArgument(
            f"{len(picked)} operations were chosen, and a server has at most {MAX_TOOLS} tools.",
            field="operations",
            hint="Choose fewer: agents do well with few.",
        )
    frame = Frame(
        Homes(document, operations, base, source), terms.key_header, terms.checks_answers, reserved_names(document)
    )
    definitions: dict[str, Json] = {}
    problems: dict[str, str] = {}
    for operation in picked:
        try:
            definitions[operation.key] = definition_of(
                document, operation, frame, list(terms.fields.get(operation.key, ()))
            )
        except Unusable as error:
            problems[operation.key] = clean(error.why, 300)
    title, schemes = clean(words(document.info, "title"), MAX_TITLE), list(schemes_of(document).values())
    return Compiled(title, schemes, operations, definitions, problems)


def still_there(raw: Json, terms: Terms) -> tuple[str, ...]:
    """The choices that a newer document still knows: what it lost is shown as removed, and is no mistake."""
    operations = operations_of(Document(raw), terms.names)
    kept = []
    for choice in terms.operations:
        try:
            chosen(operations, [choice])
        except InvalidArgument:
            continue
        kept.append(choice)
    return tuple(kept)


def keys_of(operations: Sequence[Operation]) -> dict[str, str]:
    """The keys of operations by all that they are called."""
    keys: dict[str, str] = {}
    for one in operations:
        keys[one.key] = one.key
        keys.setdefault(one.name, one.key)
    return keys


def text_and_digest(raw: Json) -> tuple[str, str]:
    """A document as it is kept. Raises InvalidArgument for what JSON cannot carry."""
    try:
        text = orjson.dumps(raw)
    except (orjson.JSONEncodeError, RecursionError):
        raise InvalidArgument("The document holds a value that JSON cannot carry.", field="document") from None
    return text.decode(), f"sha256:{hashlib.sha256(text).hexdigest()}"
