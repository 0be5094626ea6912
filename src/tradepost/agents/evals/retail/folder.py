"""A folder of retail tasks as a dataset: `store.json`, a commerce-store-export, and `tasks.json`.

Each task is {id, customer_id, request, steps, expected, communicate}: what a customer wants, in words; the calls that
solve it, `{tool, kind, args, ok}`; and the orders and customers as they are afterwards, with everything else as before.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from tradepost.agents.evals.datasets.schema import Case, Customer, Dataset, End, Json, Store
from tradepost.agents.evals.retail.calls import translated
from tradepost.foundation.errors import InvalidArgument, NotFound

STORE, TASKS = "store.json", "tasks.json"
NAME, AGENT = "retail", "customer_care"


def is_retail(folder: Path) -> bool:
    """Whether a folder has retail tasks."""
    return (folder / TASKS).is_file()


def read_retail(folder: Path) -> Dataset:
    """The tasks of a folder. Raises NotFound, InvalidArgument naming the task."""
    file = folder / TASKS
    try:
        whole = json.loads(file.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(
            f"There are no retail tasks in {folder}.", hint=f"Name a folder with {STORE} and {TASKS}: --from FOLDER."
        ) from None
    except (OSError, ValueError) as error:
        raise InvalidArgument(f"{file} cannot be read: {error}.") from None
    tasks = whole.get("tasks") if isinstance(whole, dict) else None
    if not isinstance(tasks, list) or not tasks:
        raise InvalidArgument(f"{file} has no tasks.", hint='It is {"tasks": [...]}.')
    cases = [_case(task, at) for at, task in enumerate(tasks, 1)]
    twice = [name for name, count in Counter(case.name for case in cases).items() if count > 1]
    if twice:
        raise InvalidArgument(f"Two tasks of {file} have the id {twice[0]}.")
    about = "What customers want of a shop's customer care, with the end states expected."
    return Dataset.model_validate({"name": NAME, "about": about, "store": Store(file=STORE), "cases": cases})


def _case(task: Any, at: int) -> Case:
    if not isinstance(task, dict):
        raise InvalidArgument(f"The task number {at} is no object.")
    name = str(task.get("id", f"number {at}"))
    try:
        expected = task["expected"]
        steps = [found for found in (translated(step) for step in task["steps"]) if found is not None]
        return Case(
            name=name,
            agents=[AGENT],
            tags=[str(task["source"])] if task.get("source") else [],
            customer=_customer(task["request"]),
            facts=[str(one) for one in task.get("communicate", ())],
            approvals="approve",
            end=End(orders=_after(expected["orders"]), customers=_after(expected["customers"])),
            steps=steps,
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise InvalidArgument(f"The task {name} does not have the shape of a retail task: {error!r}.") from None
    except ValueError as error:
        raise InvalidArgument(f"The task {name}: {str(error).splitlines()[0]}.") from None


def _customer(request: Json) -> Customer:
    """Whoever asks: in one text, or reason, instructions, and what they know and do not know."""
    if "instruction" in request:
        return Customer(wants=str(request["instruction"]))
    known = [
        f"You know: {request['known_info']}" if request.get("known_info") else "",
        f"You do not know: {request['unknown_info']}" if request.get("unknown_info") else "",
    ]
    wants = "\n".join(str(request[one]) for one in ("reason_for_call", "task_instructions") if request.get(one))
    return Customer(wants=wants, knows="\n".join(filter(None, known)) or None)


def _after(records: Json) -> dict[str, Json]:
    return {name: record["after"] for name, record in records.items()}
