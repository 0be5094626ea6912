"""Texts made of the parts in the files beside this one: always the same ones, in the same order.

The detector was written with the known ones. The held-out ones were written first, by the same people; those from
later when it was finished: nobody may look at what it misses there and then change it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from bench.detector.disguises import HELD_OUT, KNOWN

Part = Literal["known", "held_out", "later"]
PARTS: tuple[Part, ...] = ("known", "held_out", "later")
_HERE = Path(__file__).parent
_DISGUISED = 8  # texts per disguise
_ORDERS = 2  # that each frame is filled with
_DISGUISES = {"known": KNOWN, "held_out": HELD_OUT, "later": HELD_OUT}


@dataclass(frozen=True, slots=True)
class Sample:
    """One text. `kind` says how it is injected (or disguised), or how hard an ordinary one is."""

    text: str
    language: str
    kind: str


def injected(part: Part) -> list[Sample]:
    """Texts that want something of a model, alone and within what a customer writes, and disguised ones."""
    parts, ordinary = _loaded("injected", part), _loaded("benign", part)
    samples = [sample for language in parts for sample in _framed(language, parts[language], ordinary[language])]
    plain = [one.text for one in samples if one.language == "en" and one.kind in ("override", "addressed", "secrecy")]
    for number, (name, disguise) in enumerate(_DISGUISES[part].items()):
        chosen = [plain[(number * 5 + step * 7) % len(plain)] for step in range(_DISGUISED)]
        samples += [Sample(disguise(text), "en", f"disguised: {name}") for text in chosen]
    return samples


def benign(part: Part) -> list[Sample]:
    """Ordinary texts of a shop."""
    samples = []
    for language, said in _loaded("benign", part).items():
        for kind in ("plain", "hard"):
            for body in said[kind]:
                for opening, closing in _around(said):
                    samples.append(Sample(f"{opening}{body}{closing}", language, kind))
    return samples


def _loaded(name: str, part: Part) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((_HERE / f"{name}_{part}.yaml").read_text(encoding="utf-8"))
    return loaded


def _framed(language: str, said: dict[str, Any], ordinary: dict[str, Any]) -> Iterator[Sample]:
    orders = said["orders"]
    frames = [(kind, frame) for kind, some in said.items() if kind != "orders" for frame in some]
    for number, (kind, frame) in enumerate(frames):
        for step in range(_ORDERS if "{order}" in frame else 1):
            text = frame.replace("{order}", orders[(number + step) % len(orders)])
            if step == 1:  # within what a customer writes
                text = f"{ordinary['plain'][number % len(ordinary['plain'])]} {text}"
            yield Sample(text, language, kind)


def _around(said: dict[str, Any]) -> list[tuple[str, str]]:
    """Each opening and each closing at least once, and none at all."""
    openings, closings = said["openings"], said["closings"]
    count = max(len(openings), len(closings)) + 1
    chosen = [("", "")] + [
        (openings[step % len(openings)], closings[(step + 1) % len(closings)]) for step in range(count)
    ]
    return list(dict.fromkeys(chosen))
