"""A recording of one attempt: a JSON file that people read and that git compares line by line.

Keys of models and headers never come here: what is recorded is what stands behind a provider's client, and secrets in
texts are taken out.
"""

import hashlib
import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any, Literal

from tradepost.agents.evals.taping.forms import Clean, Form, Json
from tradepost.foundation.errors import InvalidArgument, NotFound, TradepostError

FORMAT, VERSION = "tradepost-model-recording", 1
Way = Literal["record", "replay"]


class NotRecorded(TradepostError):
    """A replay was asked something that is not in the recording."""

    code = "not_recorded"


class Tape:
    """What models were asked and answered in one attempt. To record, the file is written by `close`."""

    def __init__(self, file: Path, way: Way, clean: Clean) -> None:
        self.file = file
        self.way = way
        self.clean = clean
        self.missed: list[str] = []
        self._kept: list[Json] = [] if way == "record" else _read(file)
        self._by_key: dict[str, list[Json]] = defaultdict(list)
        for one in self._kept:
            self._by_key[one["key"]].append(one)

    def keep(self, form: Form, answer: Json) -> None:
        """What was answered to a request."""
        kept = {"key": form.key, "parts": form.parts, "asked": form.shown, **form.put(_cleaned(answer, self.clean))}
        self._kept.append(kept)

    def find(self, form: Form) -> Json:
        """What was answered; the same request several times has its answers in their order, the last one repeated.
        Raises NotRecorded."""
        found = self._by_key.get(form.key)
        if not found:
            raise self._missing(form)
        answer: Json = form.take(found.pop(0) if len(found) > 1 else found[0])
        return answer

    def close(self) -> None:
        """Write what was recorded."""
        if self.way == "record":
            self.file.parent.mkdir(parents=True, exist_ok=True)
            whole = {"format": FORMAT, "version": VERSION, "exchanges": self._kept}
            self.file.write_text(json.dumps(whole, indent=1, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")

    def _missing(self, form: Form) -> NotRecorded:
        error = NotRecorded(
            f"The recording {self.file.name} has no answer to this request: {_what_differs(form, self._kept)}.",
            hint="Record anew with --record, or undo what changed.",
        )
        self.missed.append(error.message)
        return error


def tape_file(folder: Path, case: str, attempt: int) -> Path:
    """Where the recording of an attempt is."""
    plain = re.sub(r"[^\w.-]", "-", case)
    if plain != case:
        plain = f"{plain}-{hashlib.sha256(case.encode()).hexdigest()[:6]}"
    return folder / f"{plain}.{attempt}.json"


def _read(file: Path) -> list[Json]:
    try:
        whole = json.loads(file.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(
            f"There is no recording {file}.", hint="Record this case first, as often as it is to be replayed: --record."
        ) from None
    except (OSError, ValueError):
        raise InvalidArgument(f"{file} cannot be read as a recording.", hint="Record it anew.") from None
    if not isinstance(whole, dict) or whole.get("format") != FORMAT or whole.get("version") != VERSION:
        raise InvalidArgument(f"{file} is no recording of this release.", hint="Record it anew.")
    return list(whole["exchanges"])


def _what_differs(form: Form, kept: list[Json]) -> str:
    """In words: against the recorded request that is most like it."""
    if not kept:
        return "nothing was recorded"
    near = max(kept, key=lambda one: _likeness(form.parts, one["parts"]))["parts"]
    names = {"model": "the model", "settings": "its settings", "instructions": "the instructions", "tools": "the tools"}
    differing = [said for name, said in names.items() if near.get(name) != form.parts[name]]
    mine, theirs = form.parts["messages"], near["messages"]
    if mine != theirs:
        at = next(
            (n for n, (a, b) in enumerate(zip(mine, theirs, strict=False)) if a != b), min(len(mine), len(theirs))
        )
        differing.append(f"message {at + 1} of {len(mine)}")
    return "not as recorded: " + " and ".join(differing)


def _likeness(mine: Any, theirs: Any) -> int:
    same = sum(bool(mine[name] == theirs.get(name)) for name in ("model", "settings", "instructions", "tools"))
    alike = sum(bool(a == b) for a, b in zip(mine["messages"], theirs["messages"], strict=False))
    return 10 * same + alike


def _cleaned(value: Any, clean: Clean) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_cleaned(one, clean) for one in value]
    return {name: _cleaned(one, clean) for name, one in value.items()} if isinstance(value, dict) else value
