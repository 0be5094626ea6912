"""`tradepost server add-api`, `operations`, `api`: REST APIs as servers, from their OpenAPI documents."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from tradepost.cli import console
from tradepost.cli.headers import headers_of
from tradepost.cli.server_tools import Slug, registering
from tradepost.cli.session import DataOption, JsonOption, UserOption, WorkspaceOption, opened, run
from tradepost.foundation.errors import InvalidArgument, StateConflict
from tradepost.hub.registration.apis import ApiView, NewApi
from tradepost.hub.registration.openapi.reading import MAX_BYTES
from tradepost.hub.registration.openapi.terms import FEW, Choice
from tradepost.protocol.api_marks import web_url

OperationsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--operations",
        help="Which become tools: names, 'GET /path', tag:NAME, reads or all; with commas, or repeat it. "
        f"Else all, where there are at most {FEW}.",
    ),
]
FieldsOption = Annotated[
    list[str] | None,
    typer.Option("--fields", help="OPERATION=id,customer.name,lines.sku: what of its answers goes on; repeat it."),
]
KeyHeaderOption = Annotated[
    str | None, typer.Option("--idempotency-header", help="The header in which the API takes a key with each write.")
]
CredentialOption = Annotated[
    list[str] | None,
    typer.Option(
        "--credential",
        help="SCHEME=VALUE for an authentication scheme of the document; SCHEME alone asks for the value. Repeat it.",
    ),
]
AnswersOption = Annotated[
    bool | None,
    typer.Option("--check-answers/--no-check-answers", help="Withhold answers that differ from the document."),
]


def add_api(
    slug: Slug,
    document: Annotated[str, typer.Argument(help="The OpenAPI document: a file, a URL, or - for stdin.")],
    base_url: Annotated[
        str | None, typer.Option("--base-url", help="Where the API is; else what the document says.")
    ] = None,
    server_variable: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE for a variable of the document's server; repeat it.")
    ] = None,
    operations: OperationsOption = None,
    fields: FieldsOption = None,
    idempotency_header: KeyHeaderOption = None,
    check_answers: AnswersOption = None,
    credential: CredentialOption = None,
    name: Annotated[str, typer.Option(help="Its full name; else the document's title.")] = "",
    header: Annotated[
        list[str] | None, typer.Option(help="A header 'Name: value' that may be shown; repeat it.")
    ] = None,
    secret: Annotated[
        list[str] | None, typer.Option(help="A header that is sealed and never shown; repeat it.")
    ] = None,
    timeout: Annotated[float | None, typer.Option(min=1, max=300, help="Seconds a call may take; else 60.")] = None,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
) -> None:
    """Register a REST API by its OpenAPI document. Nothing of it is visible to agents yet."""

    async def work() -> None:
        is_url = document.startswith(("http://", "https://"))
        new = NewApi(
            slug,
            document=None if is_url else _read(document),
            source=document if is_url else None,
            base_url=base_url,
            variables=dict(_pair(text, "--server-variable NAME=VALUE") for text in server_variable or []),
            choice=Choice(_choices(operations), _fields(fields), idempotency_header, check_answers),
            credentials=_credentials(credential),
            headers=headers_of(header or [], secret or []),
            name=name,
            timeout_seconds=timeout,
        )
        async with opened(data) as found, registering(found) as registration:
            made = await registration.apis.register(await found.acting(workspace, by), new)
        chosen = [one for one in made.operations if one.chosen]
        usable = [one for one in chosen if one.problem is None]
        console.say(
            f"The API {slug} at {web_url(made.server.url or '')} is registered: {len(usable)} of "
            f"{len(made.operations)} operations become tools."
        )
        _say_problems(made)
        if made.schemes and not (new.credentials or new.headers):
            schemes = ", ".join(f"{one.name} ({one.says})" for one in made.schemes)
            console.say(f"It has no credential yet. The document names {schemes}: --credential NAME")
        if not chosen:
            console.say(
                f"Choose some: tradepost server operations {slug}, then tradepost server api {slug} --operations …"
            )
        else:
            console.say(f"Test it next: tradepost server test {slug}")

    run(work)


def operations_command(
    slug: Slug,
    only_chosen: Annotated[bool, typer.Option("--chosen", help="Only those that were chosen.")] = False,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """All operations of an API's document: what they are called as tools, and which were chosen."""

    async def work() -> None:
        async with opened(data) as found, registering(found) as registration:
            view = await registration.apis.show(await found.acting(workspace, by), slug)
        rows = [
            {
                "name": one.name,
                "request": f"{one.method} {one.path}",
                "class": one.tool_class,
                "tags": ", ".join(one.tags),
                "chosen": "yes" if one.chosen else "",
                "fields": ", ".join(one.fields),
                "title": one.title,
                "problem": one.problem,
            }
            for one in view.operations
            if one.chosen or not only_chosen
        ]
        if as_json:
            console.show_json([{**row, "chosen": bool(row["chosen"])} for row in rows])
        else:
            console.show_table(rows, list(rows[0]) if rows else [], "There are no such operations.")

    run(work)


def api(
    slug: Slug,
    operations: OperationsOption = None,
    fields: FieldsOption = None,
    idempotency_header: KeyHeaderOption = None,
    check_answers: AnswersOption = None,
    document: Annotated[
        str | None, typer.Option("--document", help="A newer document: a file, or - for stdin.")
    ] = None,
    credential: CredentialOption = None,
    base_url: Annotated[str | None, typer.Option("--base-url", help="Where the API is from now on.")] = None,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
) -> None:
    """Change what is taken of an API's document; or the document itself, its address, its credential."""

    async def work() -> None:
        choice = Choice(_choices(operations), _fields(fields), idempotency_header, check_answers)
        changes = [choice != Choice(), document is not None, base_url is not None, bool(credential)]
        if sum(changes) != 1:
            raise InvalidArgument(
                "Change one thing: what is taken of the document, the document, the address, or the credential.",
                hint="Give only one of --document, --base-url, --credential, or options that choose.",
            )
        newer = None if document is None else _read(document)
        given = _credentials(credential)
        async with opened(data) as found, registering(found) as registration:
            caller, apis = await found.acting(workspace, by), registration.apis
            if newer is not None:
                await apis.replace(caller, slug, newer)
            elif base_url is not None:
                await registration.servers.set_url(caller, slug, base_url)
            elif given:
                await apis.set_credentials(caller, slug, given)
            else:
                await apis.choose(caller, slug, choice)
            _say_problems(await apis.show(caller, slug))
        console.say(f"Look at what that changes: tradepost server tools {slug}")

    run(work)


def _read(path: str) -> bytes:
    """What stands in a file or comes from standard input, as far as it may be a document."""
    try:
        if path == "-":
            return sys.stdin.buffer.read(MAX_BYTES + 1)
        with Path(path).open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise InvalidArgument(
            f"There is no file '{path}'.", field="document", hint="Give a file, or a URL that begins with https://."
        ) from None


def _choices(given: Sequence[str] | None) -> list[str] | None:
    if given is None:
        return None
    return [one.strip() for text in given for one in text.split(",") if one.strip()]


def _fields(given: Sequence[str] | None) -> dict[str, list[str]] | None:
    if given is None:
        return None
    pairs = (_pair(text, "--fields OPERATION=id,lines.sku") for text in given)
    return {name: [path.strip() for path in paths.split(",") if path.strip()] for name, paths in pairs}


def _credentials(given: Sequence[str] | None) -> dict[str, str]:
    credentials: dict[str, str] = {}
    for text in given or []:
        scheme, equals, value = text.partition("=")
        if not equals:
            if not sys.stdin.isatty():
                raise StateConflict(
                    f"There is nobody to ask for the credential '{scheme[:60]}'.",
                    hint="Give it: --credential NAME=VALUE",
                )
            value = typer.prompt(f"Credential for {scheme}", hide_input=True)
        credentials[scheme.strip()] = value
    return credentials


def _pair(text: str, written: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise InvalidArgument(f"'{text[:60]}' has no value.", hint=f"Write {written}.")
    return name.strip(), value.strip()


def _say_problems(view: ApiView) -> None:
    for one in view.operations:
        if one.chosen and one.problem is not None:
            console.say(f"No tool: {one.method} {one.path}: {one.problem}")


COMMANDS: dict[str, Callable[..., None]] = {"add-api": add_api, "operations": operations_command, "api": api}
