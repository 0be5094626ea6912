"""`tradepost knowledge`: the shop's policies and articles, their editions, and proposals to change them."""

from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import select

from tradepost.cli import console
from tradepost.cli.knowledge_proposals import proposal
from tradepost.cli.knowledge_session import reading, writing
from tradepost.cli.session import DataOption, JsonOption, UserOption, WorkspaceOption, run
from tradepost.commerce.flows.knowledge import entries
from tradepost.commerce.flows.knowledge.searching import entries_with
from tradepost.commerce.support.models import Audience, EntryKind, EntryStatus, KnowledgeEntry, PolicyTopic
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.access.changes import note

knowledge = typer.Typer(
    name="knowledge", help="Policies and articles, and proposals to change them.", no_args_is_help=True
)
knowledge.add_typer(proposal)

Entry = Annotated[str, typer.Argument(help="The entry's slug, id or external id.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why, for the edition.")]
TopicOption = Annotated[PolicyTopic, typer.Option("--topic", help="What it is about.")]


def register(app: typer.Typer) -> None:
    app.add_typer(knowledge)


@knowledge.command("list")
def list_command(
    words: Annotated[str | None, typer.Option("--words", help="Only those with all these words in one clause.")] = None,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """All entries, by slug."""

    async def work() -> None:
        async with reading(data, workspace, by) as session:
            statement = select(KnowledgeEntry).order_by(KnowledgeEntry.slug)
            if words is not None:
                statement = statement.where(entries_with(words, str(session.info["workspace_id"])))
            rows = [_line(entry) for entry in await session.scalars(statement)]
        columns = ["slug", "kind", "topic", "title", "audience", "status", "version", "updated_at"]
        if as_json:
            console.show_json(rows)
        else:
            console.show_table(rows, columns, "There are no entries. Write one: `tradepost knowledge put FILE.md`.")

    run(work)


@knowledge.command("show")
def show(
    entry: Entry,
    editions: Annotated[bool, typer.Option("--editions", help="Every text it ever had, the newest first.")] = False,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """One entry with its text."""

    async def work() -> None:
        async with reading(data, workspace, by) as session:
            found = await entries.find_entry(session, entry)
            kept = [
                {name: getattr(one, name) for name in ("edition", "created_at", "made_by", "reason", "status", "body")}
                for one in (await entries.editions_of(session, found) if editions else ())
            ]
            shown = {**_line(found), "body": found.body, **({"editions": kept} if editions else {})}
        if as_json:
            console.show_json(shown)
        elif editions:
            console.show_table(kept, ["edition", "created_at", "made_by", "reason", "status"], "It has no edition.")
        else:
            console.say(f"# {found.title}\n\n{found.body}")

    run(work)


@knowledge.command("put")
def put(
    file: Annotated[Path, typer.Argument(help="Markdown; its first line '# Title' is the title.")],
    slug: Annotated[str | None, typer.Option("--slug", help="Its short name; the file's without one.")] = None,
    kind: Annotated[EntryKind, typer.Option("--kind", help="A policy's headings carry clause ids.")] = "article",
    topic: TopicOption = "general",
    audience: Annotated[Audience, typer.Option("--audience", help="staff: customers do not find it.")] = "everyone",
    draft: Annotated[bool, typer.Option("--draft", help="Keep it, but do not publish it.")] = False,
    reason: ReasonOption = "",
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write an entry whole from a file. Again with the same text, nothing changes."""

    async def work() -> None:
        title, body = _read(file)
        wanted = entries.Draft(
            slug or file.stem.lower(),
            kind,
            topic,
            title,
            body,
            audience=audience,
            status="draft" if draft else "published",
        )
        async with writing(data, workspace, by, "admin") as (store, hub):
            found, changed = await entries.put_entry(store, wanted, reason=reason)
            if changed:
                note(hub, store.caller, f"knowledge:entry:{found.status}", found.slug, {"version": found.version})
        if as_json:
            console.show_json({**_line(found), "changed": changed})
        elif changed:
            console.say(f"{found.slug} is {found.status}, version {found.version}.")
        else:
            console.say(f"{found.slug} says that already; nothing changed.")

    run(work)


@knowledge.command("status")
def status(
    entry: Entry,
    to: Annotated[EntryStatus, typer.Argument(help="published, draft or archived.")],
    reason: ReasonOption = "",
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
) -> None:
    """Publish an entry, take it back into drafts, or archive it. Only what is published is found."""

    async def work() -> None:
        async with writing(data, workspace, by, "admin") as (store, hub):
            found, changed = await entries.set_status(store, entry, to, reason=reason)
            if changed:
                note(hub, store.caller, f"knowledge:entry:{found.status}", found.slug, {"version": found.version})
        console.say(f"{found.slug} is {found.status}, version {found.version}.")

    run(work)


def _read(file: Path) -> tuple[str, str]:
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InvalidArgument(f"There is no file {file}.", hint="Name a Markdown file.") from None
    except UnicodeDecodeError:
        raise InvalidArgument(f"{file.name} is not UTF-8 text.", hint="Save it as UTF-8.") from None
    first, _, rest = text.lstrip("\ufeff\n ").partition("\n")
    if not first.startswith("# "):
        raise InvalidArgument(f"{file.name} has no title.", hint="Let it begin with '# ' and the title.")
    return first.removeprefix("# ").strip(), rest.strip()


def _line(entry: KnowledgeEntry) -> dict[str, Any]:
    names = ("id", "slug", "kind", "topic", "title", "audience", "status", "version", "updated_at", "external_id")
    return {name: getattr(entry, name) for name in names}
