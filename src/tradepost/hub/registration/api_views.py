"""REST APIs as people see them: what stands in the document, what was chosen of it, and why something is no tool."""

from collections.abc import Sequence
from dataclasses import dataclass

from tradepost.hub.registration.openapi.compiling import Compiled
from tradepost.hub.registration.openapi.operations import ToolClass
from tradepost.hub.registration.openapi.security import Scheme
from tradepost.hub.registration.openapi.terms import Terms
from tradepost.hub.registry.models import Server


@dataclass(frozen=True, slots=True)
class OperationView:
    """An operation of a document: what it is called as a tool, whether it was chosen, and why it is none."""

    name: str
    method: str
    path: str
    title: str
    tags: tuple[str, ...]
    tool_class: ToolClass
    chosen: bool
    fields: tuple[str, ...]
    problem: str | None


@dataclass(frozen=True, slots=True)
class ApiView:
    """An API as people see it. `schemes` are the ways of signing in that its document names."""

    server: Server
    source: str | None
    digest: str
    terms: Terms
    schemes: Sequence[Scheme]
    operations: Sequence[OperationView]


def views_of(made: Compiled, terms: Terms) -> list[OperationView]:
    """All operations of a document that was compiled."""
    return [
        OperationView(
            one.name,
            one.method,
            one.path,
            one.title,
            one.tags,
            one.tool_class,
            one.key in made.definitions or one.key in made.problems,
            tuple(terms.fields.get(one.key, ())),
            made.problems.get(one.key, one.problem),
        )
        for one in made.operations
    ]
