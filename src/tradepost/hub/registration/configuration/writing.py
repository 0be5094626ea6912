"""Writing a configuration file so that versions of it compare well: always the same order, one member a line."""

from typing import Any

import yaml

from tradepost.hub.registration.configuration.document import Document, as_plain
from tradepost.hub.registration.configuration.reading import reads_as_number

HEAD = """\
# Configuration of a Tradepost workspace. There are no secrets in it, and no values of headers.
# What it would change: tradepost import FILE --dry-run
"""
WIDTH = 120

_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Dumper(_DUMPER):  # type: ignore[misc]
    """Never writes an alias; texts of several lines stand as such, and none can be taken for a number."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: Any, text: str) -> Any:
    style = "|" if "\n" in text and not text.startswith((" ", "\n")) else "'" if reads_as_number(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def write_yaml(document: Document) -> str:
    """The document as YAML, ending with a line's end."""
    made: str = yaml.dump(as_plain(document), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH)
    return HEAD + made
