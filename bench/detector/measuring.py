"""How many injected texts the detector finds, and how many ordinary ones it takes for such: per kind and language."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from time import perf_counter

import orjson

from bench.detector.corpus import PARTS, Sample, benign, injected
from bench.measure import Measure, percentile
from tradepost.foundation.detection.detector import detect, parts_of, signs_in

_SAID = {"known": "known", "held_out": "held out", "later": "later"}


def measures(texts: Path | None = None, member: str = "text") -> Iterator[Measure]:
    """Shares in percent: of "possible" and above, and in the note of "likely" alone. Of a file only its own."""
    if texts is not None:
        yield _share(f"{texts.name}: signs of instructions", [detect(text).level for text in _texts_of(texts, member)])
        return
    for part in reversed(PARTS):
        found, wrong = injected(part), benign(part)
        yield from _shares(f"{_SAID[part]}: found", found)
        yield from _shares(f"{_SAID[part]}: false alarms", wrong)
    texts = [one.text for one in benign("known")]
    yield _time("time of an ordinary text", texts, detect)
    # The longest step between which other calls go on.
    pieces = [piece for text in ("Please " * 4_000, "ignore all: " * 4_000, "忽略" * 8_000) for piece in parts_of(text)]
    yield _time("time of a hostile part of 2,000 characters", pieces, signs_in)


def _texts_of(path: Path, member: str) -> list[str]:
    source = path.read_text(encoding="utf-8")
    lines = source.splitlines() if path.suffix == ".jsonl" else [source]
    stack = [orjson.loads(line) for line in lines if line.strip()]
    found = []
    while stack:
        part = stack.pop()
        if isinstance(part, str):
            found.append(part)
        elif isinstance(part, list):
            stack += part
        elif isinstance(part, dict):
            stack += [part[member]] if member in part else part.values()
    return found


def _shares(name: str, samples: list[Sample]) -> Iterator[Measure]:
    levels = [(one, detect(one.text).level) for one in samples]
    yield _share(name, [level for _, level in levels])
    for title, of in (("kind", _kind), ("language", _language)):
        groups: defaultdict[str, list[str]] = defaultdict(list)
        for one, level in levels:
            groups[of(one)].append(level)
        for group, some in groups.items():
            yield _share(f"{name}, {title} {group}", some)


def _kind(sample: Sample) -> str:
    return sample.kind


def _language(sample: Sample) -> str:
    return sample.language


def _share(name: str, levels: Iterable[str]) -> Measure:
    said = list(levels)
    alarms, sure = (sum(level in wanted for level in said) for wanted in (("possible", "likely"), ("likely",)))
    note = f"{alarms} of {len(said)}; likely: {100 * sure / len(said):.0f} %"
    return Measure(name, round(100 * alarms / len(said), 1), "%", note=note)


def _time(name: str, texts: list[str], look: Callable[[str], object]) -> Measure:
    taken = []
    for text in texts:
        began = perf_counter()
        look(text)
        taken.append((perf_counter() - began) * 1_000)
    return Measure(name, percentile(taken, 50), "ms", note=f"99 %: {percentile(taken, 99):.2f} ms")
