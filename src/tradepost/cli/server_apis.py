"""`tradepost server add-api`, `operations`, `api`: REST APIs as servers, from their OpenAPI documents."""

from collections.abc import Callable
from typing import Annotated

import typer

from tradepost.cli import console
from tradepost.cli.api_options import (
    AnswersOption,
    CredentialOption,
    FieldsOption,
    KeyHeaderOption,
    OperationsOption,
    choices_of,
    credentials_of,
    fields_of,
    pair_of,
    read_given,
)
from tradepost.cli.credential_options import NOTHING_GIVEN, CredentialOptions, takes_oauth
from tradepost.cli.headers import headers_of
from tradepost.cli.server_tools import Slug, registering
from tradepost.cli.session import DataOption, JsonOption, UserOption, WorkspaceOption, opened, run
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.registration.api_views import ApiView
from tradepost.hub.registration.apis import NewApi
from tradepost.hub.registration.oauth_terms import OAuthTerms
from tradepost.hub.registration.openapi.terms import Choice
from tradepost.protocol.api_marks import web_url


@takes_oauth
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
    given: CredentialOptions = NOTHING_GIVEN,
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
        terms = given.credential()
        is_url = document.startswith(("http://", "https://"))
        new = NewApi(
            slug,
            document=None if is_url else read_given(document),
            source=document if is_url else None,
            base_url=base_url,
            variables=dict(pair_of(text, "--server-variable NAME=VALUE") for text in server_variable or []),
            choice=Choice(choices_of(operations), fields_of(fields), idempotency_header, check_answers),
            credentials=credentials_of(credential),
            headers=headers_of(header or [], secret or []),
            oauth=terms if isinstance(terms, OAuthTerms) else None,
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
        if made.schemes and not (new.credentials or new.headers or new.oauth):
            schemes = ", ".join(f"{one.name} ({one.says})" for one in made.schemes)
            console.say(f"It has no credential yet. The document names {schemes}: --credential NAME")
        if not chosen:
            console.say(
                f"Choose some: tradepost server operations {slug}, then tradepost server api {slug} --operations …"
            )
        elif new.oauth is not None and new.oauth.flow == "authorization_code":
            console.say(f"Connect it next: tradepost server connect {slug}")
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
        choice = Choice(choices_of(operations), fields_of(fields), idempotency_header, check_answers)
        changes = [choice != Choice(), document is not None, base_url is not None, bool(credential)]
        if sum(changes) != 1:
            raise InvalidArgument(
                "Change one thing: what is taken of the document, the document, the address, or the credential.",
                hint="Give only one of --document, --base-url, --credential, or options that choose.",
            )
        newer = None if document is None else read_given(document)
        given = credentials_of(credential)
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


def _say_problems(view: ApiView) -> None:
    for one in view.operations:
        if one.chosen and one.problem is not None:
            console.say(f"No tool: {one.method} {one.path}: {one.problem}")


COMMANDS: dict[str, Callable[..., None]] = {"add-api": add_api, "operations": operations_command, "api": api}
