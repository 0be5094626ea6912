"""Which cases are asked of whom."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from tradepost.agents.evals.datasets.schema import Case, Dataset
from tradepost.foundation.errors import InvalidArgument


def chosen(
    dataset: Dataset,
    agent: str | None,
    cases_of: str | None = None,
    patterns: Sequence[str] = (),
    tags: Sequence[str] = (),
) -> list[Case]:
    """The cases for an agent: those that name it, and those that name none. `cases_of` are another agent's cases, asked
    of this one; `patterns` and `tags` choose among them. Raises InvalidArgument where none is left."""
    whose = cases_of or agent
    if whose is not None:
        found = [case for case in dataset.cases if not case.agents or whose in case.agents]
    else:
        homeless = [case.name for case in dataset.cases if not case.agents]
        if homeless:
            raise InvalidArgument(
                f"The case {homeless[0]} of {dataset.name} names no agent.", hint="Say which one is evaluated: --agent."
            )
        found = list(dataset.cases)
    if not found:
        known = sorted({name for case in dataset.cases for name in case.agents})
        raise InvalidArgument(
            f"The dataset {dataset.name} has no case for {whose}.",
            hint=f"It has cases for {', '.join(known)}: --cases-of {known[0]} asks those of any agent.",
        )
    if patterns:
        found = [case for case in found if any(fnmatchcase(case.name, one) for one in patterns)]
    if tags:
        found = [case for case in found if set(tags) & set(case.tags)]
    if not found:
        raise InvalidArgument(
            f"No case of {dataset.name} is chosen by {', '.join([*patterns, *tags])}.",
            hint=f"Cases are, for example, {', '.join(case.name for case in dataset.cases[:5])}.",
        )
    return found
