"""The shop's policies: clauses as text to cite, with the rules that the tools apply because of them."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated, Any, Required

from pydantic import Field
from sqlalchemy import Select, func, select
from typing_extensions import TypedDict

from tradepost.commerce.orders.models import OrderPolicy
from tradepost.commerce.serving.declare import Answer, read_tool, resource
from tradepost.commerce.store.listing import Cursor, Detail, Fields, Limit, found_sentence, page
from tradepost.commerce.store.privacy import is_shopper
from tradepost.commerce.store.store import Store
from tradepost.commerce.store.texts import as_many_as_fit
from tradepost.commerce.support.models import PolicyClause, PolicyTopic
from tradepost.commerce.support.policy_text import matches
from tradepost.foundation.errors import InvalidArgument, NotFound
from tradepost.foundation.search_words import words_of

MAX_LOOSE_RULES = 50
OWN_TOPIC = "approvals"


class RuleView(TypedDict):
    """A rule as the tools apply it; `category` empty: for all products."""

    name: str
    category: str
    value: Any


class ClauseView(TypedDict, total=False):
    """A clause: cite it by `clause`. `rules` are what the tools apply because of it."""

    id: Required[str]
    clause: str
    topic: str
    title: str
    text: str
    rules: list[RuleView]


class PolicyPage(TypedDict):
    """A page of clauses, and the rules that stand in no clause."""

    items: list[ClauseView]
    rules: list[RuleView]
    next_cursor: str | None
    has_more: bool
    total_estimate: int | str
    truncated: bool


@read_tool(title="Search policies", scope="read:policies")
async def search_policies(
    store: Store,
    q: Annotated[
        str | None, Field(min_length=1, max_length=200, description="Words to find.", examples=["return window"])
    ] = None,
    topic: Annotated[PolicyTopic | None, Field(description="Only this topic.", examples=["returns"])] = None,
    clause: Annotated[
        str | None, Field(min_length=1, max_length=60, description="One clause by its id.", examples=["RET-1"])
    ] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
    detail: Detail = "standard",
    fields: Fields = None,
) -> Answer[PolicyPage]:
    """Find clauses of the shop's policies on returns, shipping, warranty, payments, approvals and privacy. Use before
    promising or refusing something, and cite the clause id. Words match in any order and case; if no clause has them
    all, those with most of them come. Not to judge one order's return (check_return_eligibility). Reads only. Returns
    clause id, topic, title, text and the rules that the tools apply; rules of no clause stand in `rules`."""
    if clause is not None and (q is not None or topic is not None):
        raise InvalidArgument(
            "clause names one clause and cannot be combined with q or topic.",
            hint="Give clause alone, or search by q and topic.",
            field="clause",
        )
    statement = _shown(store)
    if topic is not None:
        statement = statement.where(PolicyClause.topic == topic)
    if clause is not None:
        statement = statement.where(PolicyClause.id == (await _clause(store, clause)).id)
    words = words_of(q) if q is not None else []
    best = len(words)
    if q is not None:
        best = await _most_words(store, statement, words) if words else 0
        statement = statement.where(matches(words, store.caller.workspace_id) == max(best, 1))
    found = await _clauses(store, statement, limit, cursor, detail, fields)
    if clause is None and cursor is None:
        found["rules"] = await _loose_rules(store, words)
    text = found_sentence(found, "clauses", "No policy clauses found with these words and filters.")
    if found["items"] and best < len(words):
        text = f"No clause has all the words; these have most of them. {text}"
    return Answer(found, _with_clauses(text, found))


async def topic_clauses(store: Store, topic: str) -> PolicyPage:
    """All clauses of a topic, as its resource and the tool show them."""
    found = await _clauses(store, _shown(store).where(PolicyClause.topic == topic), 50, None, "standard", None)
    found["rules"] = await _loose_rules(store, [])
    return found


@resource(
    "policy://returns",
    title="Returns policy",
    description="The clauses on returns, with clause ids to cite and the rules applied.",
    scope="read:policies",
)
async def returns_policy(store: Store) -> PolicyPage:
    """The clauses on returns."""
    return await topic_clauses(store, "returns")


@resource(
    "policy://shipping",
    title="Shipping policy",
    description="The clauses on shipping, with clause ids to cite.",
    scope="read:policies",
)
async def shipping_policy(store: Store) -> PolicyPage:
    """The clauses on shipping."""
    return await topic_clauses(store, "shipping")


@resource(
    "policy://approvals",
    title="Approvals policy",
    description="The clauses on what a person must approve, with clause ids to cite.",
    scope="read:policies",
)
async def approvals_policy(store: Store) -> PolicyPage:
    """The clauses on approvals."""
    return await topic_clauses(store, "approvals")


def _shown(store: Store) -> Select[PolicyClause]:
    """The clauses for this caller: what is for the shop's own people, or what they must approve, no customer sees."""
    every = select(PolicyClause)
    if not is_shopper(store.caller):
        return every
    return every.where(PolicyClause.topic != OWN_TOPIC, PolicyClause.audience == "everyone")


async def _most_words(store: Store, statement: Select[PolicyClause], words: list[str]) -> int:
    found = statement.with_only_columns(func.coalesce(func.max(matches(words, store.caller.workspace_id)), 0))
    return int((await store.session.execute(found)).scalar_one())


async def _clause(store: Store, clause: str) -> PolicyClause:
    wanted = clause.strip()
    for condition in (PolicyClause.clause == wanted, PolicyClause.clause == wanted.upper(), PolicyClause.id == wanted):
        found = await store.one_or_none(_shown(store).where(condition))
        if found is not None:
            return found
    raise NotFound(
        f"No policy clause '{wanted}' was found.",
        hint="Search by words (q) or topic to see the clause ids.",
        field="clause",
    )


async def _clauses(
    store: Store,
    statement: Select[PolicyClause],
    limit: int,
    cursor: str | None,
    detail: Detail,
    fields: Sequence[str] | None,
) -> PolicyPage:
    async def view(rows: Sequence[PolicyClause]) -> list[ClauseView]:
        rules = await _rules_of(store, rows) if detail != "summary" else {}
        return [_clause_view(row, rules.get(row.id, []), detail) for row in rows]

    found = await page(
        store,
        "policies",
        statement,
        [PolicyClause.topic, PolicyClause.position, PolicyClause.clause],
        view,
        limit=limit,
        cursor=cursor,
        fields=fields,
    )
    return {**found, "rules": []}


async def _rules_of(store: Store, rows: Sequence[PolicyClause]) -> dict[str, list[RuleView]]:
    """{clause's row id: rules}; a rule names its clause by the clause id or by the row's."""
    by_name = {name: row.id for row in rows for name in (row.clause, row.id)}
    rules: dict[str, list[RuleView]] = defaultdict(list)
    if by_name:
        named = select(OrderPolicy).where(OrderPolicy.clause_id.in_(sorted(by_name)))
        for rule in await store.all(named.order_by(OrderPolicy.name, OrderPolicy.category)):
            rules[by_name[str(rule.clause_id)]].append(_rule_view(rule))
    return rules


async def _loose_rules(store: Store, words: list[str]) -> list[RuleView]:
    """Rules of no clause; with words, those whose name or category has one of them."""
    statement = select(OrderPolicy).where(OrderPolicy.clause_id.is_(None))
    rows = await store.all(statement.order_by(OrderPolicy.name, OrderPolicy.category).limit(MAX_LOOSE_RULES))
    return [
        _rule_view(row)
        for row in rows
        if not words or any(word in f"{row.name.replace('_', ' ')} {row.category}".lower() for word in words)
    ]


def _rule_view(rule: OrderPolicy) -> RuleView:
    return {"name": rule.name, "category": rule.category, "value": rule.value}


def _clause_view(row: PolicyClause, rules: list[RuleView], detail: Detail) -> ClauseView:
    view: ClauseView = {"id": row.id, "clause": row.clause, "topic": row.topic, "title": row.title}
    if detail != "summary":
        view["text"] = row.body
        view["rules"] = rules
    return view


def _with_clauses(text: str, found: PolicyPage) -> str:
    said = [
        f"{item['clause']} {item['title']}: {item.get('text', '')}".rstrip(": ")
        for item in found["items"]
        if "clause" in item and "title" in item
    ]
    if found["rules"]:
        rules = ", ".join(f"{rule['name']}={rule['value']}" for rule in found["rules"])
        said.append(f"Rules of no clause: {rules}.")
    return as_many_as_fit(text, said)


TOOLS = (search_policies,)
RESOURCES = (returns_policy, shipping_policy, approvals_policy)
