"""What a dataset says: cases, the store each begins with, and what is expected of answers, calls, approvals, store."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Json = dict[str, Any]
Name = Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[A-Za-z0-9][\w.:#-]*$")]
Text = Annotated[str, Field(min_length=1, max_length=32_000)]
Verdict = Literal["approve", "reject", "wait"]


class Part(BaseModel):
    """One thing in the file: no members but those that there are, no value of another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)


class Read(Part):
    """A look into the store, made as its operator through a tool."""

    tool: Name
    """A tool of the shop, for example get_order."""
    arguments: Json = Field(default_factory=dict)
    """Its arguments."""


class Fact(Part):
    """Something that an answer says: exactly one of these, `read` with `field`. In words where nothing else is said."""

    text: Text | None = None
    """Words, in this order; case, punctuation and how numbers are written do not matter."""
    number: int | float | None = None
    """A number, however it is written."""
    money: Annotated[str, Field(pattern=r"^-?\d+([.]\d+)? [A-Z]{3}$")] | None = None
    """An amount with its currency, as `24.90 EUR`."""
    date: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = None
    """A day, however it is written, also as today, tomorrow or yesterday."""
    pattern: Text | None = None
    """A regular expression that is found in the answer; case does not matter."""
    any: Annotated[list["Fact | str | int | float"], Field(min_length=1)] | None = None
    """One of these is enough."""
    read: Read | None = None
    """What the store said before the question was asked."""
    field: Text | None = None
    """Where in what was read: `total.display`, `items[0].number`, `levels[warehouse=Lyon].available`."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = ("text", "number", "money", "date", "pattern", "any", "read")
        given = [name for name in kinds if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"a fact is one of {', '.join(kinds)}, not {' and '.join(given) or 'none of them'}")
        if (self.read is None) != (self.field is None):
            raise ValueError("read and field belong together: give both")
        return self


class Tools(Part):
    """Which tools are called. Names may end with *, as in `list_*`."""

    must: list[Text] = Field(default_factory=list)
    """Each of these at least once."""
    any_of: list[Annotated[list[Text], Field(min_length=1)]] = Field(default_factory=list)
    """Of each list one at least."""
    must_not: list[Text] = Field(default_factory=list)
    """None of these."""
    no_writes: bool = False
    """Nothing that can change anything, but dry runs."""


class Call(Part):
    """A call that is made: of this tool, with these arguments among others."""

    tool: Name
    arguments: Json = Field(default_factory=dict)
    """Arguments it has; others do not matter. Texts are compared without case."""
    times: Annotated[int, Field(ge=0)] | None = None
    """How often exactly; without it, once or more."""


class Step(Part):
    """A call that is expected of the agent, for a run without a model."""

    tool: Name
    arguments: Json = Field(default_factory=dict)
    refused: bool = False
    """It must be refused."""


class Approval(Part):
    """An approval that is due, and how the person answers."""

    tool: Name
    arguments: Json = Field(default_factory=dict)
    """Arguments that the person is shown, among others."""
    answer: Verdict = "approve"
    """approve, reject, or wait: nobody answers."""
    comment: Text | None = None
    """What the person says with it."""


class Expected(Part):
    """A record after the run, read through a tool as the store's operator."""

    read: Read
    fields: Annotated[Json, Field(min_length=1)]
    """Where in what was read, and the value there: `status: on_hold`, `lines[sku=MUG-1].quantity: 2`."""


class End(Part):
    """The store after the run."""

    unchanged: bool = False
    """Nothing in the store was changed."""
    records: list[Expected] = Field(default_factory=list)
    """Records as tools show them."""
    orders: dict[str, Json] | None = None
    """Orders of a store export by id: these are so, and every other one as before."""
    customers: dict[str, Json] | None = None
    """Customers of a store export by id: these are so, and every other one as before."""


class Most(Part):
    """What one run may use at most."""

    tokens: Annotated[int, Field(ge=0)] | None = None
    cost_micros: Annotated[int, Field(ge=0)] | None = None
    """Millionths of a US dollar."""
    seconds: Annotated[int | float, Field(gt=0)] | None = None
    calls: Annotated[int, Field(ge=0)] | None = None
    """Calls of tools."""
    model_answers: Annotated[int, Field(ge=0)] | None = None


class Store(Part):
    """The store a case begins with. Every run has a copy of its own."""

    shop: Literal["demo", "empty"] = "demo"
    """The demo shop, or a store with nothing in it."""
    file: Text | None = None
    """A store export (commerce-store-export) instead, beside the dataset."""
    now: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$")] = "2026-02-24T09:00:00Z"
    """The shop's moment, where its clock stands still."""
    seed: Annotated[int, Field(ge=0)] = 1
    """Another seed makes another demo shop."""


class Customer(Part):
    """Whom a second model plays, for as long as the conversation goes."""

    wants: Text
    """What they want and how they are, in words."""
    knows: Text | None = None
    """What they know and may say when asked."""


class Case(Part):
    """One question, and what is expected."""

    name: Name
    about: str = ""
    """What this case is for, in a sentence."""
    agents: list[Name] = Field(default_factory=list)
    """The agents it is for, the usual one first; without any, whichever agent is evaluated."""
    tags: list[Name] = Field(default_factory=list)
    question: Text | None = None
    """What the person asks."""
    turns: list[Text] = Field(default_factory=list)
    """Several messages of one conversation, instead of a question."""
    customer: Customer | None = None
    """A simulated customer instead of a question: needs --customer-model."""
    shopper: Name | None = None
    """The shop's customer who asks, by number, where the agent is for customers."""
    store: Store | None = None
    """The store, where it is not that of the dataset."""
    changes: list[Read] = Field(default_factory=list)
    """Calls made as the store's operator before the question is asked."""
    facts: list[Fact | str | int | float] = Field(default_factory=list)
    """What the answers say."""
    never_said: list[Fact | str | int | float] = Field(default_factory=list)
    """What no answer says."""
    tools: Tools = Tools()
    calls: list[Call] = Field(default_factory=list)
    approvals: list[Approval] | Verdict = Field(default_factory=list)
    """All approvals that are due, or how whatever is due is answered."""
    status: Literal["finished", "waiting", "failed", "stopped"] | None = None
    """How the last turn ends: waiting where an approval is left waiting, otherwise finished."""
    end: End = End()
    most: Most = Most()
    steps: list[Step] | None = None
    """Calls that solve the case, in their order: made through the agent where no model is given."""

    @model_validator(mode="after")
    def _one_way_to_ask(self) -> Self:
        given = [name for name in ("question", "turns", "customer") if getattr(self, name)]
        if len(given) != 1:
            raise ValueError(f"a case has question, turns or customer, and this has {' and '.join(given) or 'none'}")
        return self

    @property
    def messages(self) -> list[str]:
        """What the person says, one message after the other; none where a model says it."""
        return [self.question] if self.question is not None else list(self.turns)

    @property
    def ends(self) -> tuple[str, ...]:
        """How the last turn may end."""
        if self.status is not None:
            return (self.status,)
        if isinstance(self.approvals, str):
            return ("finished", "waiting") if self.approvals == "wait" else ("finished",)
        return ("waiting",) if any(one.answer == "wait" for one in self.approvals) else ("finished",)


class Dataset(Part):
    """A dataset."""

    schema_file: str | None = Field(default=None, alias="$schema")
    """For editors: the JSON schema of this file."""
    name: Name
    about: str = ""
    store: Store = Store()
    """The store of cases that name none."""
    cases: Annotated[list[Case], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_once(self) -> Self:
        seen: set[str] = set()
        for case in self.cases:
            if case.name.casefold() in seen:
                raise ValueError(f"two cases are named {case.name}")
            seen.add(case.name.casefold())
        return self
