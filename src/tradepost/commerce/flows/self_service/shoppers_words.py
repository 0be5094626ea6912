"""Refusals of the shop's own flows, as its customer should hear them: the reason stays, the hint names tools that a
shopper has, and of the details only what they chose from."""

from collections.abc import Iterator
from contextlib import contextmanager

from tradepost.foundation.errors import InvalidArgument, NotFound, StateConflict, TradepostError, VersionConflict

_SHOWN = ("allowed", "clause", "version")


@contextmanager
def in_shoppers_words(hint: str) -> Iterator[None]:
    """Raise what is refused inside with this hint; a choice of allowed values keeps its own."""
    try:
        yield
    except (StateConflict, NotFound, InvalidArgument) as error:
        raise _again(error, error.hint if isinstance(error, InvalidArgument) else hint) from error
    except VersionConflict as error:
        raise _again(error, "Read it again, check that the change still makes sense, and send its version.") from error


def _again(error: TradepostError, hint: str | None) -> TradepostError:
    kept = {name: value for name, value in error.details.items() if name in _SHOWN and value is not None}
    return type(error)(error.message, hint=hint, field=error.field, details=kept)
