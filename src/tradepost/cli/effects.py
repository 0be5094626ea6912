"""`tradepost effects`: what goes out of the shop, and what became of it."""

from typing import Annotated, Literal

import typer
from sqlalchemy import select

import tradepost.commerce.tables  # noqa: F401 (every table: foreign keys lead from part to part)
from tradepost.cli import console
from tradepost.cli.session import DataOption, JsonOption, WorkspaceOption, opened, run
from tradepost.commerce.effects.models import Effect
from tradepost.foundation.clock import system_now, to_rfc3339
from tradepost.foundation.errors import NotFound, StateConflict
from tradepost.foundation.untrusted import clean

COLUMNS = ("id", "kind", "event", "status", "attempts", "reference", "error", "at")

effects = typer.Typer(name="effects", help="Mails, labels and payments outside the shop.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.add_typer(effects)


@effects.command("list")
def list_command(
    status: Annotated[
        Literal["pending", "sending", "sent", "failed"] | None, typer.Option("--status", help="Only these.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many, the newest first.")] = 50,
    workspace: WorkspaceOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what goes out, the newest first: its state, attempts, and what the other side said."""

    async def work() -> None:
        statement = select(Effect).order_by(Effect.created_at.desc(), Effect.id).limit(limit)
        if status is not None:
            statement = statement.where(Effect.status == status)
        async with opened(data) as found:
            target = await found.workspace(workspace)
            async with found.store.transaction(target.id, write=False) as session:
                rows = [_shown(effect) for effect in await session.scalars(statement)]
        if as_json:
            console.show_json(rows)
        else:
            nothing = "Nothing has gone out." if status is None else f"Nothing is {status}."
            console.show_table(rows, COLUMNS, nothing)

    run(work)


@effects.command("retry")
def retry_command(
    effect_id: Annotated[str, typer.Argument(help="The effect, from `tradepost effects list`.")],
    workspace: WorkspaceOption = None,
    data: DataOption = None,
) -> None:
    """Try one that failed again: the running hub takes it up within a second."""

    async def work() -> None:
        async with opened(data) as found:
            target = await found.workspace(workspace)
            async with found.store.transaction(target.id, write=True) as session:
                wanted = select(Effect).where(Effect.id == effect_id).with_for_update()
                effect = (await session.scalars(wanted)).one_or_none()
                if effect is None:
                    raise NotFound(f"No effect '{clean(effect_id, 60)}' was found.", hint="`tradepost effects list`.")
                if effect.status != "failed":
                    raise StateConflict(
                        f"The effect {effect.id} is {effect.status}; only a failed one is tried again.",
                        hint="Wait for it, or look at it with `tradepost effects list`.",
                    )
                effect.status, effect.attempts, effect.due_at, effect.finished_at = "pending", 0, system_now(), None
        console.say(f"{effect_id} is tried again.")

    run(work)


def _shown(effect: Effect) -> dict[str, str | int | None]:
    return {
        "id": effect.id,
        "kind": effect.kind,
        "event": effect.event_type,
        "subject": effect.subject,
        "order_id": effect.order_id,
        "status": effect.status,
        "attempts": effect.attempts,
        "reference": effect.reference,
        "error": effect.error,
        "at": to_rfc3339(effect.finished_at or effect.due_at),
    }
