"""The columns of a kind of CSV file, and how the header of a file is matched with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tradepost.commerce.transfer.sheets.values import Reader
from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.untrusted import clean


@dataclass(frozen=True, slots=True)
class Column:
    """A column: our name of it, the headers that Shopify's exports give it (the first that a file has counts), and how
    its cells are read. Our own name is a header, too. `required`: a file without it cannot be imported."""

    field: str
    shopify: tuple[str, ...]
    read: Reader
    required: bool = False

    @property
    def headers(self) -> tuple[str, ...]:
        """All headers, the first to count first."""
        return (*self.shopify, self.field)


@dataclass(frozen=True, slots=True)
class Header:
    """A file's header, understood: per place the column it holds or None, and what is not taken."""

    columns: tuple[Column | None, ...]
    labels: Mapping[str, str]  # field: header as the file writes it
    ignored: tuple[str, ...]


def match_header(
    header: Sequence[str], columns: Sequence[Column], mapped: Mapping[str, str], given: Sequence[str]
) -> Header:
    """Match a file's header. `mapped`: {header: field} of the mapping file, which stands above our own names; `given`:
    fields that have a default. Raises InvalidArgument, which names the columns at fault."""
    cleaned = [name.strip() for name in header]
    folded = [name.lower() for name in cleaned]
    twice = sorted({name for name, key in zip(cleaned, folded, strict=True) if name and folded.count(key) > 1})
    if twice:
        raise InvalidArgument(f"The column '{clean(twice[0], 60)}' stands twice in the header.", hint="Remove one.")
    places = {field: folded.index(name.strip().lower()) for name, field in mapped.items() if _has(folded, name)}
    missing = [name for name in mapped if not _has(folded, name)]
    if missing:
        raise InvalidArgument(
            f"The mapping names the column '{clean(missing[0], 60)}', which the file does not have.",
            hint=f"The file has: {_listed(cleaned)}.",
        )
    taken = set(places.values())
    for column in columns:
        if column.field not in places:
            for name in column.headers:
                if _has(folded, name) and folded.index(name.lower()) not in taken:
                    places[column.field] = folded.index(name.lower())
                    taken.add(places[column.field])
                    break
    absent = [column for column in columns if column.required and column.field not in {*places, *given}]
    if absent:
        wanted = ", ".join(column.headers[0] for column in absent)
        raise InvalidArgument(
            f"The file lacks the column{'s' if len(absent) > 1 else ''} {wanted}. It has: {_listed(cleaned)}.",
            hint="Name foreign columns in a mapping file (--mapping), or give their value as a default there.",
        )
    by_field = {column.field: column for column in columns}
    found: list[Column | None] = [None] * len(cleaned)
    for field, place in places.items():
        found[place] = by_field[field]
    ignored = tuple(name for name, column in zip(cleaned, found, strict=True) if column is None and name)
    return Header(tuple(found), {field: cleaned[place] for field, place in places.items()}, ignored)


def _has(folded: Sequence[str], name: str) -> bool:
    return name.strip().lower() in folded


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(clean(name, 40) for name in names[:12] if name)
    return shown + (f" and {len(names) - 12} more" if len(names) > 12 else "")
