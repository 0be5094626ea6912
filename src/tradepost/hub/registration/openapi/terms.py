"""What an admin chose of an API's document: which operations, which fields of their answers, and a few things more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.registration.openapi.operations import EVERYTHING
from tradepost.hub.upstreams.rest.fields import checked_fields
from tradepost.hub.vault.header_rules import Header, checked_headers

MAX_CHOICES = 500
FEW = 40  # operations, all of which are taken where nobody chose


@dataclass(frozen=True, slots=True)
class Terms:
    """`operations` are choices (see operations.chosen), `names` the names that were given, by `GET /path`, `fields` the
    paths that go on, by the same. `key_header` takes the hub's idempotency key with each write. Where answers are not
    checked, tools have no output schema."""

    operations: tuple[str, ...] = (EVERYTHING,)
    names: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, list[str]] = field(default_factory=dict)
    key_header: str | None = None
    checks_answers: bool = True

    def stored(self) -> dict[str, Any]:
        """As the registry keeps them."""
        return {
            "operations": list(self.operations),
            "names": dict(self.names),
            "fields": dict(self.fields),
            "key_header": self.key_header,
            "checks_answers": self.checks_answers,
        }


@dataclass(frozen=True, slots=True)
class Choice:
    """What somebody asks for. None leaves it as it is; `fields` are by name or key, an empty list takes all again, and
    an empty `key_header` takes it away."""

    operations: Sequence[str] | None = None
    fields: Mapping[str, Sequence[str]] | None = None
    key_header: str | None = None
    checks_answers: bool | None = None


def read_terms(stored: Mapping[str, Any]) -> Terms:
    """The terms that the registry keeps."""
    return Terms(
        tuple(stored["operations"]),
        stored["names"],
        stored["fields"],
        stored["key_header"],
        stored["checks_answers"],
    )


def with_choice(terms: Terms, choice: Choice, keys: Mapping[str, str]) -> Terms:
    """The terms after a choice. `keys` are the keys of operations by all that they are called. Raises
    InvalidArgument."""
    if choice.operations is not None:
        if len(choice.operations) > MAX_CHOICES:
            raise InvalidArgument(f"More than {MAX_CHOICES} choices.", field="operations")
        terms = replace(terms, operations=tuple(dict.fromkeys(choice.operations)))
    if choice.fields is not None:
        fields = dict(terms.fields)
        for named, paths in choice.fields.items():
            key = keys.get(named)
            if key is None:
                raise InvalidArgument(f"The document has no operation '{named[:80]}'.", field="fields")
            fields.pop(key, None)
            if paths:
                fields[key] = checked_fields(list(paths))
        terms = replace(terms, fields=fields)
    if choice.key_header is not None:
        terms = replace(terms, key_header=_checked_key_header(choice.key_header) if choice.key_header else None)
    if choice.checks_answers is not None:
        terms = replace(terms, checks_answers=choice.checks_answers)
    return terms


def _checked_key_header(name: str) -> str:
    if name.lower() != "idempotency-key":  # which is the hub's to send, and this is how
        checked_headers([Header(name, "x")])
    return name
