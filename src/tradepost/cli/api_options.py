"""The options with which a command says what is taken of an API's document, and its credential by scheme."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from tradepost.cli.secret_values import HOW, secret_value
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.registration.openapi.reading import MAX_BYTES
from tradepost.hub.registration.openapi.terms import FEW

OperationsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--operations",
        help="Which become tools: names, 'GET /path', tag:NAME, reads or all; with commas, or repeat it. "
        f"Else all, where there are at most {FEW}.",
    ),
]
FieldsOption = Annotated[
    list[str] | None,
    typer.Option("--fields", help="OPERATION=id,customer.name,lines.sku: what of its answers goes on; repeat it."),
]
KeyHeaderOption = Annotated[
    str | None, typer.Option("--idempotency-header", help="The header in which the API takes a key with each write.")
]
CredentialOption = Annotated[
    list[str] | None,
    typer.Option(
        "--credential",
        help=f"SCHEME=VALUE for an authentication scheme of the document; the value is {HOW}. Repeat it.",
    ),
]
AnswersOption = Annotated[
    bool | None,
    typer.Option("--check-answers/--no-check-answers", help="Withhold answers that differ from the document."),
]


def read_given(path: str) -> bytes:
    """What stands in a file or comes from standard input, as far as it may be a document."""
    try:
        if path == "-":
            return sys.stdin.buffer.read(MAX_BYTES + 1)
        with Path(path).open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise InvalidArgument(
            f"There is no file '{path}'.", field="document", hint="Give a file, or a URL that begins with https://."
        ) from None


def choices_of(given: Sequence[str] | None) -> list[str] | None:
    """The operations in texts that join them by commas; None where none was given."""
    if given is None:
        return None
    return [one.strip() for text in given for one in text.split(",") if one.strip()]


def fields_of(given: Sequence[str] | None) -> dict[str, list[str]] | None:
    """Paths by operation, of texts like `get_invoice=id,total`. Raises InvalidArgument."""
    if given is None:
        return None
    pairs = (pair_of(text, "--fields OPERATION=id,lines.sku") for text in given)
    return {name: [path.strip() for path in paths.split(",") if path.strip()] for name, paths in pairs}


def credentials_of(given: Sequence[str] | None) -> dict[str, str]:
    """Values by scheme, of texts like `Key=VALUE`; a scheme alone is asked for. Raises InvalidArgument."""
    credentials: dict[str, str] = {}
    for text in given or []:
        scheme, equals, value = text.partition("=")
        what = f"the credential for {scheme.strip()[:60]}"
        credentials[scheme.strip()] = secret_value(value if equals else "-", what)
    return credentials


def pair_of(text: str, written: str) -> tuple[str, str]:
    """Name and value of a text like `NAME=VALUE`. Raises InvalidArgument, whose hint is how it is `written`."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise InvalidArgument(f"'{text[:60]}' has no value.", hint=f"Write {written}.")
    return name.strip(), value.strip()
