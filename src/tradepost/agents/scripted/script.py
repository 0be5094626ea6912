"""What the scripted model says next: calls of tools, or what their results say. It sees what a model sees: the
question, the tools with their schemas, and the results so far."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson

from tradepost.agents.ports import Json
from tradepost.agents.scripted.facts import facts_of, nearest_in, value_in, values_in
from tradepost.agents.scripted.intents import INTENTS, SHOWING, WISH_DEEDS, WISHES, Ask, Intent

LABEL = "[scripted, not a language model]"
MOST_CALLS = 7
MOST_EACH = 4  # records of a list that are looked at one by one
_STOP = frozenset(
    "a an and are as at be but by can could do does for from give had has have how i in is it me my of on or our please"
    " should show that the their them there these this those to was we were what when where which who why will with"
    " would you your".split()
)
_ASKING = frozenset("policy policies clause clauses cite within allowed ask say tell rule rules long many much".split())
NOW = "now"
_AGE = re.compile(r"\b(?:over|more than|older than|longer than|for)\s+(\d{1,4})\s*(h|hours?|days?)\b", re.IGNORECASE)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}")
_WOULD = re.compile(r"\bwould\b|\bpreview\b|\bdry run\b", re.IGNORECASE)
_WILL = re.compile(r"\bwill (it|they|that|this|we)\b", re.IGNORECASE)
_PART = re.compile(r"\b\d+ short\b|\bone of\b|\bonly\b|\bpart(ly|ial|s)?\b|\bsome of\b", re.IGNORECASE)
_STATES = {"scratched": "damaged", "broken": "damaged", "dented": "damaged", "unopened": "new", "worn": "used"}
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
    further = [call for call in _reads(plan.asked, facts, tools, words, results) if call[0] not in called]
    if further and len(called) < MOST_CALLS:
        return Move(calls=further)
    done = 0 if plan.deed is None else sum(one.tool == plan.deed.tool for one in seen)
    if plan.deed is not None and done < len(_tries(plan.deed, tools, words)):
        arguments = _arguments(plan.deed, facts, tools, words, results)
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
    return has_lines and "lines" not in arguments and _PART.search(words) is not None


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
        return _Plan(_reads(asked, facts, tools, words), deed if deed and deed.tool in tools else None, asked)
    for intent in INTENTS:
        if intent.words.search(words):
            plan = _Plan(_reads(intent.reads, facts, tools, words), _deed(intent, tools), intent.reads)
            if plan.reads or plan.deed:
                return plan
    for name, showing in SHOWING:
        found = _reads([Ask(tool) for tool in showing], facts, tools, words) if name in facts else []
        if found:
            return _Plan(found[:1])
    nearest = _nearest(words, facts, tools)
    if not nearest and "search_policies" in tools and _telling(words):
        nearest = [("search_policies", {"q": _telling(words)})]
    return _Plan(nearest)


def _deed(intent: Intent, tools: Mapping[str, Json]) -> Ask | None:
    return intent.write if intent.write is not None and intent.write.tool in tools else None


def _reads(
    asks: Sequence[Ask], facts: Json, tools: Mapping[str, Json], words: str, results: Sequence[Any] = ()
) -> list[tuple[str, Json]]:
    found: list[tuple[str, Json]] = []
    for ask in asks:
        if ask.tool not in tools or (ask.unnamed and _RECORDS & facts.keys()):
            continue
        told = [facts]
        if ask.each and ask.each not in facts:
            values = values_in([one for one in results if isinstance(one, dict)], ask.of)[:MOST_EACH]
            told = [{**facts, ask.each: value} for value in values]
        made = [_arguments(ask, one, tools, words, list(results)) for one in told]
        found += [(ask.tool, arguments) for arguments in made if arguments is not None]
    return found[:MOST_CALLS]


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
    arguments |= _chosen(properties, words) if "include" not in arguments else {}
    if "lines" in properties and "sku" in facts and "sku" not in properties and _PART.search(words):
        arguments["lines"] = [_line(properties["lines"], facts, words)]
    wanted = [*schema.get("required", ()), *(_USEFUL if results else ())]
    if "currency" not in properties:  # an amount of whatever was read is not one that somebody named
        wanted = [name for name in wanted if name != "amount_minor"]
    for name in wanted:
        is_other_way = name == "payment_id" and "order_id" in arguments and "order_id" not in schema.get("required", ())
        if name in properties and name not in arguments and not is_other_way:
            value = _worked_out(name, properties[name], words, results)
            if value is not None:
                arguments[name] = value
    return arguments if all(name in arguments for name in schema.get("required", ())) else None


def _chosen(properties: Mapping[str, Json], words: str) -> Json:
    """The further parts of a record that the question names, where a tool shows them on demand."""
    offered = properties.get("include", {}).get("items", {}).get("enum", ())
    said = _words(words)
    named = [one for one in offered if _words(str(one)) & said]
    return {"include": named} if named else {}


def _line(schema: Json, facts: Json, words: str) -> Json:
    """One line about the SKU that is named: how many, and in which state."""
    fields: Mapping[str, Json] = schema.get("items", {}).get("properties", {})
    line: Json = {"variant" if "variant" in fields else "sku": facts["sku"]}
    if "quantity" in fields:
        line["quantity"] = facts.get("quantity", 1)
    told = f"{words} {' '.join(state for word, state in _STATES.items() if word in words.lower())}"
    for name, field_schema in fields.items():
        if field_schema.get("enum"):
            value = _worked_out(name, field_schema, told, [])
            if value is not None:
                line[name] = value
    return line


_RECORDS = frozenset({"order_id", "rma", "po_id", "delivery_id", "tracking_number", "claim_id"})
_USEFUL = ("supplier", "quantity", "pickup_point_id", "warehouse_id", "sku", "payment_id", "amount_minor")


def _worked_out(name: str, schema: Json, words: str, results: list[Any]) -> Any:
    choices = schema.get("enum")
    if choices:
        said = _words(words)
        best = max(choices, key=lambda one: len(said & _words(str(one).replace("_", " "))))
        if said & _words(str(best).replace("_", " ")):
            return best
        return "returned" if "returned" in choices and "rma" in said else None
    if name in ("reason", "summary", "subject", "note", "description"):
        return words[:200]
    found = value_in(results, name)
    if found is None:
        found = value_in(results, name.removesuffix("_id"))
    return found if found is not None else nearest_in(results, name)


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
