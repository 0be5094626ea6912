"""What the scripted model says next: calls of tools, or what their results say. It sees what a model sees: the
question, the tools with their schemas, and the results so far."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson

from tradepost.agents.ports import Json
from tradepost.agents.scripted.facts import RECORDS, facts_of, values_in
from tradepost.agents.scripted.filling import MOST_CALLS, PART, arguments_of, reads, telling, words_in, worked_out
from tradepost.agents.scripted.intents import INTENTS, LABEL, SHOWING, WISH_DEEDS, WISHES, Ask, Intent

NOW = "now"
_AGE = re.compile(r"\b(?:over|more than|older than|longer than|for)\s+(\d{1,4})\s*(h|hours?|days?)\b", re.IGNORECASE)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}")
_WOULD = re.compile(r"\bwould\b|\bpreview\b|\bdry run\b", re.IGNORECASE)
_WILL = re.compile(r"\bwill (it|they|that|this|we)\b", re.IGNORECASE)
_BEYOND = re.compile(r"\b(delete|erase|wipe|drop|purge)\b", re.IGNORECASE)  # nothing here does that
_RULED = re.compile(
    r"\b(may|can|allowed|rules?|how long|how much|offer|accept|charge|fees?|do (you|we))\b", re.IGNORECASE
)
_FIELDS = re.compile(r"as fields \(data, not instructions\): (\{.*\})\s*$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Seen:
    """One result: of which tool, and what a model sees of it."""

    tool: str
    content: Any


@dataclass(frozen=True, slots=True)
class Move:
    """What is said next: calls, or words."""

    calls: Sequence[tuple[str, Json]] = ()
    text: str = ""


@dataclass(frozen=True, slots=True)
class _Plan:
    reads: list[tuple[str, Json]] = field(default_factory=list)
    deed: Ask | None = None
    asked: Sequence[Ask] = ()  # what was to be read: some of it may need what the rest returns


def next_move(question: str, tools: Mapping[str, Json], seen: Sequence[Seen]) -> Move:
    """Read first, then write what was asked for, then say what came of it."""
    fields = _fields_in(question)
    words = question if fields is None else str(fields.get("summary", ""))
    facts = facts_of(question) if fields is None else _facts_of_fields(fields)
    age = _AGE.search(words)
    if age is not None and NOW in tools and not seen:
        return Move(calls=[(NOW, {})])
    if age is not None:
        facts |= _before(age, seen)
        seen = [one for one in seen if one.tool != NOW]
    plan = _plan(words, facts, tools, fields)
    if not seen:
        if plan.reads:
            return Move(calls=plan.reads)
        if plan.deed is None:
            return Move(text=_lost(tools))
    called = {one.tool for one in seen}
    results = [one.content for one in seen]
    named = next((sku for sku in values_in(results, "sku") if str(sku) in words), None)
    if named is not None:
        facts.setdefault("sku", named)
    is_about = plan.deed is not None or RECORDS & facts.keys()  # else what a list begins with is nobody's question
    asked = plan.asked if is_about else [one for one in plan.asked if one.each]
    further = [call for call in reads(asked, facts, tools, words, results) if call[0] not in called]
    if further and len(called) < MOST_CALLS:
        return Move(calls=further)
    done = 0 if plan.deed is None else sum(one.tool == plan.deed.tool for one in seen)
    if plan.deed is not None and done < len(_tries(plan.deed, tools, words)):
        arguments = arguments_of(plan.deed, facts, tools, words, results)
        if arguments is not None and not _lacks_lines(plan.deed, arguments, tools, words):
            return Move(calls=[(plan.deed.tool, {**arguments, **_tries(plan.deed, tools, words)[done]})])
        lacking = _lacking(plan.deed, facts, tools, words, seen)
        return Move(text=f"{_said(seen)}\n\nTo do it I need: {lacking}.".strip())
    return Move(text=_said(seen))


def _tries(deed: Ask, tools: Mapping[str, Json], words: str) -> list[Json]:
    """How often a write is called, and with what: first as a dry run where the question asks what it would do, and
    only so where it asks nothing else."""
    if "dry_run" not in tools[deed.tool].get("properties", {}):
        return [{}]
    if _WOULD.search(words):
        return [{"dry_run": True}]
    return [{"dry_run": True}, {}] if _WILL.search(words) else [{}]


def _lacks_lines(deed: Ask, arguments: Json, tools: Mapping[str, Json], words: str) -> bool:
    """Whether only a part is meant and nothing says which: without lines the tool would take all of it."""
    has_lines = "lines" in tools[deed.tool].get("properties", {})
    return has_lines and "lines" not in arguments and PART.search(words) is not None


def _before(age: re.Match[str], seen: Sequence[Seen]) -> Json:
    """What a question about things older than so many hours or days means, by what the time is."""
    said = next((_MOMENT.search(str(one.content)) for one in seen if one.tool == NOW), None)
    if said is None:
        return {}
    length = timedelta(days=int(age[1])) if age[2].lower().startswith("d") else timedelta(hours=int(age[1]))
    moment = datetime.fromisoformat(f"{said[0]}+00:00") - length
    return {"placed_to": moment.isoformat().replace("+00:00", "Z")}


def label(text: str) -> str:
    """The same, said to be what it is."""
    return f"{LABEL} {text}"


def _plan(words: str, facts: Json, tools: Mapping[str, Json], fields: Json | None) -> _Plan:
    if fields is not None:
        wish = str(fields.get("wish", "other"))
        deed = WISH_DEEDS.get(wish)
        asked = WISHES.get(wish, ())
        return _Plan(reads(asked, facts, tools, words), deed if deed and deed.tool in tools else None, asked)
    if _BEYOND.search(words):
        return _Plan()
    for meant in _meant(words):
        every = [one for intent in meant for one in intent.reads]
        deed = next((one for one in (_deed(intent, tools) for intent in meant) if one is not None), None)
        plan = _Plan(reads(every, facts, tools, words), deed, every)
        if plan.reads or plan.deed:
            return plan
    for name, showing in SHOWING:
        found = reads([Ask(tool) for tool in showing], facts, tools, words) if name in facts else []
        if found:
            return _Plan(found[:1])
    nearest = _nearest(words, facts, tools)
    if not nearest and "search_policies" in tools and _RULED.search(words) and telling(words):
        nearest = [("search_policies", {"q": telling(words)})]
    return _Plan(nearest)


def _meant(words: str) -> Iterator[list[Intent]]:
    """The kinds of question this may be, the likeliest first: of several sentences what each of them asks, then one."""
    said = [part for part in re.split(r"(?<=[?!.;])\s+", words) if part]
    each = [next((intent for intent in INTENTS if intent.words.search(part)), None) for part in said]
    found = [intent for at, intent in enumerate(each) if intent is not None and intent not in each[:at]]
    if len(found) > 1:
        yield found
    yield from ([intent] for intent in INTENTS if intent.words.search(words))


def _deed(intent: Intent, tools: Mapping[str, Json]) -> Ask | None:
    return intent.write if intent.write is not None and intent.write.tool in tools else None


def _nearest(words: str, facts: Json, tools: Mapping[str, Json]) -> list[tuple[str, Json]]:
    """The reading tool whose name and description share most words with the question, if they share enough."""
    asked = words_in(words)
    scored = []
    for name, schema in tools.items():
        if not name.startswith(("get_", "list_", "search_", "check_", "track_", "find_")):
            continue
        arguments = arguments_of(Ask(name), facts, tools, words, [])
        if arguments is not None:
            shared = 3 * len(asked & words_in(name.replace("_", " "))) + len(
                asked & words_in(str(schema.get("description", "")))
            )
            scored.append((shared, name, arguments))
    best = max(scored, default=(0, "", {}), key=lambda one: one[0])
    return [(best[1], best[2])] if best[0] >= 3 else []


def _said(seen: Sequence[Seen]) -> str:
    """What the results say, in the tools' own words."""
    said: list[str] = []
    for one in seen:
        text = one.content.get("text") if isinstance(one.content, dict) else str(one.content)
        if not text and isinstance(one.content, dict):
            text = orjson.dumps(one.content.get("data")).decode()[:1_500]
        if text and text not in said:
            said.append(str(text))
    return "\n\n".join(said) or "The tools returned nothing."


def _lost(tools: Mapping[str, Json]) -> str:
    if "ask_for_a_person" in tools:  # whoever asks is a customer of the shop: names of tools say nothing to them
        return (
            "I do not understand this question: I only know fixed kinds of questions. Ask about an order, a return, an"
            " invoice, a product or a policy, or ask for a person."
        )
    some = ", ".join(sorted(tools)[:8]) or "none"
    return (
        "I do not understand this question: I only know fixed kinds of questions. Name a record (an order, a return, a"
        f" SKU) or ask about one of these: {some}. A language model understands more: `tradepost agent set`."
    )


def _lacking(ask: Ask, facts: Json, tools: Mapping[str, Json], words: str, seen: Sequence[Seen]) -> str:
    properties = tools[ask.tool].get("properties", {})
    results = [one.content for one in seen]
    return (
        ", ".join(
            name
            for name in tools[ask.tool].get("required", ())
            if name not in facts
            and name not in ask.arguments
            and worked_out(name, properties.get(name, {}), words, results) is None
        )
        or "more to go by"
    )


def _fields_in(question: str) -> Json | None:
    found = _FIELDS.search(question)
    return orjson.loads(found[1]) if found else None


def _facts_of_fields(fields: Json) -> Json:
    named = {"order_number": "order_id", "return_number": "rma", "tracking_number": "tracking_number", "product": "q"}
    return {name: fields[key] for key, name in named.items() if fields.get(key)}
