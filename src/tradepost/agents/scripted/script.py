"""What the scripted model says next: calls of tools, or what their results say. It sees what a model sees: the
question, the tools with their schemas, and the results so far."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from tradepost.agents.ports import Json
from tradepost.agents.scripted.facts import RECORDS, facts_of, value_in
from tradepost.agents.scripted.intents import INTENTS, LABEL, SHOWING, WISH_DEEDS, WISHES, Ask, Intent

MOST_CALLS = 7
_STOP = frozenset(
    "a an and are as at be but by can could do does for from give had has have how i in is it me my of on or our please"
    " should show that the their them there these this those to was we were what when where which who why will with"
    " would you your".split()
)
_ASKING = frozenset(
    "policy policies clause clauses cite within allowed ask say tell rule rules long many much cost costs"
    " price sell have like need want".split()
)
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
    plan = _plan(words, facts, tools, fields)
    if not seen:
        if plan.reads:
            return Move(calls=plan.reads)
        if plan.deed is None:
            return Move(text=_lost(tools))
    called = {one.tool for one in seen}
    results = [one.content for one in seen]
    is_about = plan.deed is not None or RECORDS & facts.keys()  # else what a list begins with is nobody's question
    again = _reads(plan.asked, facts, tools, words, results) if is_about else []
    further = [call for call in again if call[0] not in called]
    if further and len(called) < MOST_CALLS:
        return Move(calls=further)
    if plan.deed is not None and not any(one.tool == plan.deed.tool for one in seen):
        arguments = _arguments(plan.deed, facts, tools, words, results)
        if arguments is not None:
            if "enum" not in tools[plan.deed.tool].get("properties", {}).get("reason", {"enum": ()}):
                arguments.setdefault("reason", words[:200])
            return Move(calls=[(plan.deed.tool, arguments)])
        lacking = _lacking(plan.deed, facts, tools, words, seen)
        return Move(text=f"{_said(seen)}\n\nTo do it I need: {lacking}.".strip())
    return Move(text=_said(seen))


def label(text: str) -> str:
    """The same, said to be what it is."""
    return f"{LABEL} {text}"


def _plan(words: str, facts: Json, tools: Mapping[str, Json], fields: Json | None) -> _Plan:
    if fields is not None:
        wish = str(fields.get("wish", "other"))
        deed = WISH_DEEDS.get(wish)
        return _Plan(_reads(WISHES.get(wish, ()), facts, tools, words), deed if deed and deed.tool in tools else None)
    if _BEYOND.search(words):
        return _Plan()
    for meant in _meant(words):
        reads = [one for intent in meant for one in intent.reads]
        deed = next((one for one in (_deed(intent, tools) for intent in meant) if one is not None), None)
        plan = _Plan(_reads(reads, facts, tools, words), deed, reads)
        if plan.reads or plan.deed:
            return plan
    for name, showing in SHOWING:
        found = _reads([Ask(tool) for tool in showing], facts, tools, words) if name in facts else []
        if found:
            return _Plan(found[:1])
    nearest = _nearest(words, facts, tools)
    if not nearest and "search_policies" in tools and _RULED.search(words) and _telling(words):
        nearest = [("search_policies", {"q": _telling(words)})]
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


def _reads(
    asks: Sequence[Ask], facts: Json, tools: Mapping[str, Json], words: str, results: Sequence[Any] = ()
) -> list[tuple[str, Json]]:
    found = [(ask.tool, _arguments(ask, facts, tools, words, list(results))) for ask in asks if ask.tool in tools]
    calls = [(tool, arguments) for tool, arguments in found if arguments is not None]
    calls = [one for at, one in enumerate(calls) if one not in calls[:at]]
    is_about = RECORDS & facts.keys()
    return [one for one in calls if one[1] or not (is_about or _of_one(one[0], tools))][:MOST_CALLS]


def _of_one(tool: str, tools: Mapping[str, Json]) -> bool:
    """Whether a tool is about one record, so that it needs to be told which."""
    return tool.startswith(("get_", "check_", "track_", "preview_")) and bool(
        RECORDS & tools[tool]["properties"].keys()
    )


def _arguments(ask: Ask, facts: Json, tools: Mapping[str, Json], words: str, results: list[Any]) -> Json | None:
    """Arguments by their names: given, named in the question, found in results (what a tool requires); None where a
    required one is not to be had."""
    schema = tools[ask.tool]
    properties: Mapping[str, Json] = schema.get("properties", {})
    arguments = {name: _telling(words) if value is ... else value for name, value in ask.arguments.items()}
    arguments = {name: value for name, value in arguments.items() if name in properties and value != ""}
    if not arguments and ask.arguments.get("q") is ... and "rma" in facts and "topic" in properties:
        arguments["topic"] = "returns"  # nothing is named but the return itself
    arguments.update({name: facts[name] for name in properties if name in facts and name not in arguments})
    if ask.tool.startswith(("list_", "search_")) and (RECORDS - {"sku"}) & arguments.keys():
        arguments.pop("sku", None)  # a record's number says more than what is in it
    wanted = [*schema.get("required", ()), *(_USEFUL if results else ())]
    for name in wanted:
        if name in properties and name not in arguments:
            value = _worked_out(name, properties[name], words, results)
            if value is not None:
                arguments[name] = value
    return arguments if all(name in arguments for name in schema.get("required", ())) else None


_USEFUL = ("supplier", "quantity", "pickup_point_id", "warehouse_id", "sku", "payment_id", "amount_minor")


def _worked_out(name: str, schema: Json, words: str, results: list[Any]) -> Any:
    choices = schema.get("enum")
    if choices:
        said = _words(words)
        best = max(choices, key=lambda one: len(said & _words(str(one).replace("_", " "))))
        return best if said & _words(str(best).replace("_", " ")) else None
    if name in ("reason", "summary", "subject", "note", "description"):
        return words[:200]
    found = value_in(results, name)
    return found if found is not None else value_in(results, name.removesuffix("_id"))


def _nearest(words: str, facts: Json, tools: Mapping[str, Json]) -> list[tuple[str, Json]]:
    """The reading tool whose name and description share most words with the question, if they share enough."""
    asked = _words(words)
    scored = []
    for name, schema in tools.items():
        if not name.startswith(("get_", "list_", "search_", "check_", "track_", "find_")):
            continue
        arguments = _arguments(Ask(name), facts, tools, words, [])
        if arguments is not None:
            shared = 3 * len(asked & _words(name.replace("_", " "))) + len(
                asked & _words(str(schema.get("description", "")))
            )
            scored.append((shared, name, arguments))
    best = max(scored, default=(0, "", {}), key=lambda one: one[0])
    return [(best[1], best[2])] if best[0] >= 3 else []


def _telling(words: str) -> str:
    """The words of a question that say what it is about: without numbers of records and without words of asking."""
    plain = re.sub(r"#?\b[A-Z]{0,5}-?\d[\w.-]*|\d+\s*%?", " ", words)
    return " ".join(word for word in re.findall(r"[\w-]{3,}", plain) if word.lower() not in _STOP | _ASKING)[:200]


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
            and _worked_out(name, properties.get(name, {}), words, results) is None
        )
        or "more to go by"
    )


def _fields_in(question: str) -> Json | None:
    found = _FIELDS.search(question)
    return orjson.loads(found[1]) if found else None


def _facts_of_fields(fields: Json) -> Json:
    named = {"order_number": "order_id", "return_number": "rma", "tracking_number": "tracking_number", "product": "q"}
    return {name: fields[key] for key, name in named.items() if fields.get(key)}


def _words(text: str) -> set[str]:
    return {word.removesuffix("s") for word in re.findall(r"[a-z]{3,}", text.lower()) if word not in _STOP}
