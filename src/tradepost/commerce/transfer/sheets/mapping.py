"""Mapping files: what the columns and values of another system's CSV are called here. TOML, four optional parts:

delimiter = ";"
[columns]           # header of the file = our field
[values.status]     # content of the file = our value, per field
[defaults]          # field = value where the file has no column or an empty cell
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tradepost.commerce.transfer.sheets.columns import Column
from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.untrusted import clean

_PARTS = ("delimiter", "columns", "values", "defaults")
_DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """A mapping file, checked. `content` is the file itself: another mapping makes another import."""

    columns: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    delimiter: str = ","
    content: bytes = b""

    def translated(self, name: str, cell: str) -> str:
        """A cell of the field `name` in our words: translated, or the default where it is empty."""
        found = self.values.get(name, {}).get(cell, cell)
        return found or self.defaults.get(name, "")


def read_mapping(path: Path | None, columns: Sequence[Column]) -> ColumnMapping:
    """The mapping in a file; an empty one for none. Raises InvalidArgument, which names the part at fault."""
    if path is None:
        return ColumnMapping()
    try:
        content = path.read_bytes()
        told = tomllib.loads(content.decode("utf-8"))
    except OSError as error:
        raise InvalidArgument(f"{path} cannot be read: {error.strerror}.", hint="Check the path.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidArgument(f"{path} is no TOML: {error}.", hint="See docs/how-to/import-csv.md.") from None
    unknown = sorted(told.keys() - set(_PARTS))
    if unknown:
        raise _wrong(path, f"has a part '{unknown[0]}'", f"It may have {', '.join(_PARTS)}.")
    delimiter = told.get("delimiter", ",")
    if delimiter not in _DELIMITERS:
        raise _wrong(path, "has a delimiter that is none", 'Use ",", ";", "|" or "\\t".')
    fields = [column.field for column in columns]
    named = _texts(path, "columns", told.get("columns", {}))
    twice = [name for name in named.values() if list(named.values()).count(name) > 1]
    if twice:
        raise _wrong(path, f"maps two columns to '{twice[0]}'", "Choose one.")
    values = told.get("values", {})
    if not isinstance(values, dict):
        raise _wrong(path, "has 'values' that are no table", "Write [values.FIELD].")
    found = ColumnMapping(
        named,
        {name: _texts(path, f"values.{name}", table) for name, table in values.items()},
        _texts(path, "defaults", told.get("defaults", {})),
        delimiter,
        content,
    )
    for name in (*found.columns.values(), *found.values, *found.defaults):
        if name not in fields:
            raise _wrong(path, f"names the field '{clean(name, 40)}', which is none", f"Fields: {', '.join(fields)}.")
    return found


def _texts(path: Path, part: str, table: Any) -> dict[str, str]:
    if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
        raise _wrong(path, f"has a part [{part}] whose values are not all text", 'Write them like "status" = "active".')
    return {str(name): str(value) for name, value in table.items()}


def _wrong(path: Path, what: str, hint: str) -> InvalidArgument:
    return InvalidArgument(f"The mapping {path} {what}.", hint=hint)
