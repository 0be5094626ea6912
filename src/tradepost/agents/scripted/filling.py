"""Filling in the arguments of calls: what the question names, what results say, what a schema offers."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tradepost.agents.ports import Json
from tradepost.agents.scripted.facts import RECORDS, nearest_in, value_in, values_in
from tradepost.agents.scripted.intents import Ask

MOST_CALLS = 7
MOST_EACH = 4  # records of a list that are looked at one by one
PART = re.compile(r"\b\d+ short\b|\bone of\b|\bonly\b|\bpart(ly|ial|s)?\b|\bsome of\b", re.IGNORECASE)
_STOP = frozenset(
    "a an and are as at be but by can could do does for from give had has have how i in is it me my of on or our please"
    " should show that the their them there these this those to was we were what when where which who why will with"
    " would you your".split()
)
_ASKING = frozenset(
    "policy policies clause clauses cite within allowed ask say tell rule rules long many much they cost costs"
    " price sell have like need want".split()
)
_STATES = {"scratched": "damaged", "broken": "damaged", "dented": "damaged", "unopened": "new", "worn": "used"}


def reads(
    asks: Sequence[Ask], facts: Json, tools: Mapping[str, Json], words: str, results: Sequence[Any] = ()
) -> list[tuple[str, Json]]:
    """The calls that can be made now: of tools that are there, with all that they require."""
    found: list[tuple[str, Json]] = []
    for ask in asks:
        if ask.tool not in tools or (ask.unnamed and RECORDS & facts.keys()):
            continue
        told = [facts]
        if ask.each and ask.each not in facts:
            values = values_in([one for one in results if isinstance(one, dict)], ask.of)[:MOST_EACH]
            told = [{**facts, ask.each: value} for value in values]
        made = [arguments_of(ask, one, tools, words, list(results)) for one in told]
        found += [(ask.tool, one) for one in made if one is not None and (one or not _shows_one(tools[ask.tool]))]
    once = [one for at, one in enumerate(found) if one not in found[:at]]
    is_about = RECORDS & facts.keys()  # what is asked without an argument is then about something else
    return [one for one in once if one[1] or not is_about][:MOST_CALLS]


def _shows_one(schema: Json) -> bool:
    """Whether a tool shows one record, and so nothing where none is named: lists have a limit."""
    properties = schema.get("properties", {})
    return "limit" not in properties and bool(_NAMES & properties.keys())


def arguments_of(ask: Ask, facts: Json, tools: Mapping[str, Json], words: str, results: list[Any]) -> Json | None:
    """Arguments by their names: given, named in the question, found in results (what a tool requires); None where a
    required one is not to be had."""
    schema = tools[ask.tool]
    properties: Mapping[str, Json] = schema.get("properties", {})
    arguments = {name: telling(words) if value is ... else value for name, value in ask.arguments.items()}
    arguments = {name: value for name, value in arguments.items() if name in properties and value != ""}
    if not arguments and ask.arguments.get("q") is ... and "rma" in facts and "topic" in properties:
        arguments["topic"] = "returns"  # nothing is named but the return itself
    arguments.update({name: facts[name] for name in properties if name in facts and name not in arguments})
    if ask.tool.startswith(("list_", "search_")) and (RECORDS - {"sku"}) & arguments.keys():
        arguments.pop("sku", None)  # a record's number says more than what is in it
    several = {name: [facts[name[:-1]]] for name in properties if name.endswith("_ids") and name[:-1] in facts}
    arguments = {**several, **arguments}
    arguments |= _chosen(properties, words) if "include" not in arguments else {}
    if "lines" in properties and "sku" in facts and "sku" not in properties and PART.search(words):
        arguments["lines"] = [_line(properties["lines"], facts, words)]
    required = schema.get("required", ())
    for name in [*required, *(_useful(properties, arguments, required) if results else ())]:
        if name in properties and name not in arguments:
            value = worked_out(name, properties[name], words, results)
            if value is not None:
                arguments[name] = value
    return arguments if all(name in arguments for name in required) else None


def _useful(properties: Mapping[str, Json], arguments: Json, required: Sequence[str]) -> list[str]:
    """What is worth taking from results although no tool requires it."""
    left_out = set()
    if "currency" not in properties:
        left_out.add("amount_minor")  # an amount of whatever was read is not one that somebody named
    if "order_id" in arguments and "order_id" not in required:
        left_out.add("payment_id")  # such tools take the one or the other
    return [name for name in _USEFUL if name not in left_out]


def _chosen(properties: Mapping[str, Json], words: str) -> Json:
    """The further parts of a record that the question names, where a tool shows them on demand."""
    offered = properties.get("include", {}).get("items", {}).get("enum", ())
    said = words_in(words)
    named = [one for one in offered if words_in(str(one)) & said]
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
            value = worked_out(name, field_schema, told, [])
            if value is not None:
                line[name] = value
    return line


_NAMES = frozenset({"order_id", "tracking_number", "product_id", "sku", "customer_id"})
_USEFUL = ("reason", "supplier", "quantity", "pickup_point_id", "warehouse_id", "sku", "payment_id", "amount_minor")


def worked_out(name: str, schema: Json, words: str, results: list[Any]) -> Any:
    """A value for an argument that nobody gave: a choice that the words name, the words themselves, or what a result
    has under that name. None where there is none."""
    choices = schema.get("enum")
    if choices:
        said = words_in(words)
        best = max(choices, key=lambda one: len(said & words_in(str(one).replace("_", " "))))
        if said & words_in(str(best).replace("_", " ")):
            return best
        return "returned" if "returned" in choices and "rma" in said else None
    if name in ("reason", "summary", "subject", "note", "body", "text", "description"):
        return (words.partition(": ")[2] or words).strip()[:200]  # after a colon stands what is to be said
    found = value_in(results, name)
    if found is None:
        found = value_in(results, name.removesuffix("_id"))
    return found if found is not None else nearest_in(results, name)


def telling(words: str) -> str:
    """The words of a question that say what it is about: without numbers of records and without words of asking."""
    plain = re.sub(r"#?\b[A-Z]{0,5}-?\d[\w.-]*|\d+\s*%?", " ", words)
    return " ".join(word for word in re.findall(r"[\w-]{3,}", plain) if word.lower() not in _STOP | _ASKING)[:200]


def words_in(text: str) -> set[str]:
    """The words of a text that say something, in the singular."""
    return {word.removesuffix("s") for word in re.findall(r"[a-z]{3,}", text.lower()) if word not in _STOP}
