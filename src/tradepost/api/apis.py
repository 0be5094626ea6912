"""REST APIs as servers: their OpenAPI documents, the operations that become tools, and the fields that go on."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from tradepost.api.access import Work, may
from tradepost.api.credential_shapes import CredentialGiven, stored
from tradepost.api.servers import Headers, Which, sealed
from tradepost.api.shapes import Given, Shown, Slug, Words
from tradepost.hub.registration.api_views import ApiView, OperationView
from tradepost.hub.registration.apis import NewApi
from tradepost.hub.registration.oauth_terms import OAuthTerms
from tradepost.hub.registration.openapi.operations import ToolClass
from tradepost.hub.registration.openapi.terms import MAX_CHOICES, Choice
from tradepost.hub.vault.header_rules import MAX_VALUE, Header

router = APIRouter(tags=["servers"])

Reading = Annotated[Work, Depends(may("viewer", "read:servers"))]
Writing = Annotated[Work, Depends(may("admin", "write:servers"))]
Named = Annotated[str, Field(min_length=1, max_length=600, pattern=r"^[^\x00]*$")]
Path = Annotated[str, Field(min_length=1, max_length=200, examples=["customer.name"])]
Document = Annotated[
    str, Field(min_length=1, pattern=r"^[^\x00]*$", description="The OpenAPI 3 document itself, as JSON or YAML.")
]
Secret = Annotated[str, Field(min_length=1, max_length=MAX_VALUE, json_schema_extra={"writeOnly": True})]
Operations = Annotated[
    list[Named],
    Field(
        max_length=MAX_CHOICES,
        description="Which become tools: names, `GET /path`, `tag:NAME`, `reads` or `all`.",
        examples=[["list_invoices", "GET /invoices/{id}"]],
    ),
]
Fields = Annotated[
    dict[Named, Annotated[list[Path], Field(max_length=100)]],
    Field(max_length=MAX_CHOICES, description="By operation, what of its answers goes on; an empty list is all."),
]
KeyHeader = Annotated[
    str,
    Field(
        max_length=100,
        pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]*$",
        description="The header in which the API takes a key with each write; empty for none.",
    ),
]
Credentials = Annotated[
    dict[Named, Secret],
    Field(max_length=20, description="By authentication scheme of the document; a basic one is `user:password`."),
]


class ApiChoice(Given):
    """What is taken of a document. What is left out stays as it is."""

    operations: Operations | None = None
    fields: Fields | None = None
    idempotency_header: KeyHeader | None = None
    checks_answers: bool | None = Field(None, description="Withhold answers that differ from the document.")


class NewApiGiven(ApiChoice):
    """A REST API to register: its document, or the URL of one."""

    slug: Slug
    document: Document | None = None
    document_url: Annotated[str, Field(min_length=1, max_length=2048)] | None = None
    base_url: Annotated[str, Field(min_length=1, max_length=2048)] | None = Field(
        None, description="Where the API is; else what the document says."
    )
    server_variables: dict[Named, Named] = Field(default_factory=dict, max_length=20)
    credentials: Credentials = Field(default_factory=dict)
    headers: Headers = Field(default_factory=list)
    credential: CredentialGiven | None = Field(
        None, description="Beside `credentials`: the document says what client credentials of OAuth leave open."
    )
    name: Words = Field("", description="Full name; the document's title without one.")
    timeout_seconds: float | None = Field(None, ge=1, le=300, description="Seconds a call may take; else 60.")


class NewDocument(Given):
    """A newer document of the same API."""

    document: Document


class NewCredentials(Given):
    """Instead of all headers that are sent now."""

    credentials: Credentials


class OperationShown(Shown):
    """An operation, what it is called as a tool, and why it cannot be one."""

    name: str
    method: str
    path: str
    title: str
    tags: list[str]
    tool_class: ToolClass = Field(serialization_alias="class")
    chosen: bool
    fields: list[str]
    problem: str | None


class SchemeShown(Shown):
    """A way of signing in that the document names. The last two are those of OAuth's client credentials."""

    name: str
    says: str = Field(examples=["API key in the header X-Api-Key"])
    token_url: str | None
    scopes: list[str]


class ApiShown(Shown):
    """What was taken of an API's document. `source` is where the document is read anew."""

    server: str
    source: str | None
    digest: str
    choice: list[str]
    idempotency_header: str | None
    checks_answers: bool
    schemes: list[SchemeShown]
    operations: list[OperationShown]


@router.post("/apis", status_code=201, summary="Register a REST API")
async def register_api(work: Writing, body: NewApiGiven) -> ApiShown:
    """Add a REST API by its OpenAPI document. Nothing of it is visible to agents yet: test and discover it next, as any
    server."""
    headers, given = sealed(body.headers), stored(body.credential)
    if isinstance(given, Header):
        headers.append(given)
    new = NewApi(
        body.slug,
        document=body.document.encode() if body.document is not None else None,
        source=body.document_url,
        base_url=body.base_url,
        variables=body.server_variables,
        choice=_choice(body),
        credentials=body.credentials,
        headers=headers,
        oauth=given if isinstance(given, OAuthTerms) else None,
        name=body.name,
        timeout_seconds=body.timeout_seconds,
    )
    return _shown(await work.parts.registration.apis.register(work.caller, new))


@router.get("/servers/{server}/api", summary="Show an API's operations")
async def get_api(work: Reading, server: Which) -> ApiShown:
    """All operations of its document, and which were chosen."""
    return _shown(await work.parts.registration.apis.show(work.caller, server))


@router.patch("/servers/{server}/api", summary="Choose an API's operations and fields")
async def change_api(work: Writing, server: Which, body: ApiChoice) -> ApiShown:
    """What that changes of its tools shows when it is discovered next, and waits for approval."""
    return _shown(await work.parts.registration.apis.choose(work.caller, server, _choice(body)))


@router.put("/servers/{server}/api/document", summary="Replace an API's document")
async def replace_api_document(work: Writing, server: Which, body: NewDocument) -> ApiShown:
    """For a document that was handed over. One with a URL is read anew when the server is discovered."""
    return _shown(await work.parts.registration.apis.replace(work.caller, server, body.document.encode()))


@router.put("/servers/{server}/api/credentials", summary="Replace an API's credential")
async def set_api_credentials(work: Writing, server: Which, body: NewCredentials) -> ApiShown:
    """By authentication scheme of its document. They are sealed, and never shown again."""
    await work.parts.registration.apis.set_credentials(work.caller, server, body.credentials)
    return _shown(await work.parts.registration.apis.show(work.caller, server))


def _choice(body: ApiChoice) -> Choice:
    fields = None if body.fields is None else {name: list(paths) for name, paths in body.fields.items()}
    return Choice(body.operations, fields, body.idempotency_header, body.checks_answers)


def _shown(view: ApiView) -> ApiShown:
    return ApiShown(
        server=view.server.slug,
        source=view.source,
        digest=view.digest,
        choice=list(view.terms.operations),
        idempotency_header=view.terms.key_header,
        checks_answers=view.terms.checks_answers,
        schemes=[
            SchemeShown(name=one.name, says=one.says, token_url=one.token_url, scopes=list(one.scopes))
            for one in view.schemes
        ],
        operations=[_operation(one) for one in view.operations],
    )


def _operation(one: OperationView) -> OperationShown:
    return OperationShown(
        name=one.name,
        method=one.method,
        path=one.path,
        title=one.title,
        tags=list(one.tags),
        tool_class=one.tool_class,
        chosen=one.chosen,
        fields=list(one.fields),
        problem=one.problem,
    )
