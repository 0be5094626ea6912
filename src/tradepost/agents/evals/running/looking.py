"""What a case wants to know of the store: facts before the question, and what became of records after it."""

from collections.abc import Mapping
from typing import Any

from tradepost.agents.evals.datasets.schema import Case, Expected, Fact, Json
from tradepost.agents.evals.outcome import Found, Wanted
from tradepost.agents.evals.ports import World
from tradepost.agents.evals.scoring.fields import Absent, at, covers
from tradepost.agents.evals.scoring.records import differences, with_parts
from tradepost.agents.evals.scoring.saying import as_fact
from tradepost.foundation.errors import InvalidArgument


async def resolved(world: World, facts: list[Wanted]) -> list[Wanted]:
    """The facts, with what the store says in place of where to look. Raises InvalidArgument."""
    return [await _resolved(world, one) for one in facts]


async def _resolved(world: World, fact: Wanted) -> Wanted:
    if not isinstance(fact, Fact):
        return fact
    if fact.any is not None:
        return fact.model_copy(update={"any": [await _resolved(world, one) for one in fact.any]})
    if fact.read is None:
        return fact
    found = await world.operate(fact.read.tool, fact.read.arguments)
    try:
        return as_fact(at(found, fact.field or ""))
    except Absent as error:
        raise InvalidArgument(
            f"A fact of this case is read from {fact.read.tool}, and {error} in what it returned.",
            hint=f"It has {', '.join(sorted(found)[:20])}.",
        ) from None


async def looked(world: World, case: Case, before: Mapping[str, Any] | None) -> list[Found]:
    """What the store is to be after a case, and what is wrong with it."""
    found: list[Found] = []
    if case.end.unchanged:
        after = await world.footprint()
        changed = sorted(name for name in {*after, *(before or {})} if after.get(name) != (before or {}).get(name))
        found.append(Found(what="the store is unchanged", wrong=[f"{name} changed" for name in changed]))
    for record in case.end.records:
        what = " ".join([record.read.tool, *(str(one) for one in record.read.arguments.values())])
        found.append(Found(what=what, wrong=await _wrong_fields(world, record)))
    if case.end.orders is not None or case.end.customers is not None:
        found.append(Found(what="the store's export", wrong=await _wrong_records(world, case)))
    return found


async def _wrong_fields(world: World, record: Expected) -> list[str]:
    try:
        found = await world.operate(record.read.tool, record.read.arguments)
    except InvalidArgument as error:
        return [error.message]
    wrong = []
    for path, wanted in record.fields.items():
        try:
            value = at(found, path)
        except Absent as error:
            if wanted is not None:
                wrong.append(str(error))
            continue
        if not covers(value, wanted):
            wrong.append(f"{path} is {value!r}, not {wanted!r}")
    return wrong


async def _wrong_records(world: World, case: Case) -> list[str]:
    begun, now = await world.begun_with(), await world.export()
    expected: dict[str, Json] = {"orders": case.end.orders or {}, "customers": case.end.customers or {}}
    return differences(with_parts(begun), expected, with_parts(now))
