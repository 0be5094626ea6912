"""REST APIs in a file: where their document is read, or the document itself, and what was chosen of it.

Agents call what was approved, so an API works without its document. One that is read from a URL is not part of the
file, nor of an import: it is read when somebody looks at the server next.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.ids import new_id
from tradepost.hub.registration.configuration.document import ApiPart, Json, ServerPart
from tradepost.hub.registration.names import is_tool_name
from tradepost.hub.registration.openapi.addresses import base_url
from tradepost.hub.registration.openapi.compiling import compiled, still_there, text_and_digest
from tradepost.hub.registration.openapi.reading import read_document
from tradepost.hub.registration.openapi.references import Document
from tradepost.hub.registration.openapi.terms import Choice, Terms, read_terms, with_choice
from tradepost.hub.registry.api_models import ApiDocument
from tradepost.hub.upstreams.guard import read_url
from tradepost.protocol.api_marks import SCHEME, is_api, web_url

# Stands for a document until it was read at its source.
NOT_READ: Final = {"openapi": "3.1.0", "info": {"title": "", "version": ""}, "paths": {}}


def api_part(row: ApiDocument | None) -> ApiPart | None:
    """What a row keeps. A document that is read at its source is observed, and not told."""
    if row is None:
        return None
    terms = read_terms(row.terms)
    said: Json = {
        "source": row.source,
        "operations": list(terms.operations),
        "names": dict(sorted(terms.names.items())),
        "fields": dict(sorted(terms.fields.items())),
        "key_header": terms.key_header,
        "checks_answers": terms.checks_answers,
    }
    if row.source is None:
        said["document"] = orjson.loads(row.text)
    return ApiPart.model_validate(said)


def checked_api(server: ServerPart) -> ApiPart | None:
    """What a file says of an API. Raises InvalidArgument for what no API could have been registered with."""
    part = server.api
    if not is_api(server.url) and server.says("url"):
        if part is not None:
            raise InvalidArgument(f"A server with a document has a URL that begins with {SCHEME}", field="url")
        return None
    if part is None:
        return None
    if (part.source is None) == (part.document is None):
        raise InvalidArgument("An API has either a source or its document.", field="source")
    if part.source is not None:
        read_url(part.source)
    for name in part.names.values():
        if not is_tool_name(name):
            raise InvalidArgument(f"'{name[:60]}' is no tool name.", field="names")
    keys = {key: key for key in part.fields}
    choice = Choice(part.operations, part.fields, part.key_header or "", part.checks_answers)
    terms = with_choice(Terms(names=part.names), choice, keys)
    if part.document is not None:
        raw = read_document(text_and_digest(part.document)[0].encode())
        usable = Terms(still_there(raw, terms), terms.names, terms.fields, terms.key_header, terms.checks_answers)
        compiled(raw, usable, web_url(server.url or ""), None)
    stored = terms.stored()
    return part.model_copy(update={name: stored[name] for name in ("operations", "fields", "key_header")})


def checked_base(url: str) -> str:
    """The URL of an API as it is kept. Raises InvalidArgument."""
    return f"{SCHEME}{base_url(Document(dict(NOT_READ)), [], None, web_url(url), {})}"


def compare_api(part: ServerPart, now: ServerPart | None) -> Mapping[str, tuple[Any, Any]]:
    """The member `api` where it changes. A name that was given once stays, whether the file has it or not."""
    wanted, before = part.api, now.api if now is not None else None
    if wanted is None:
        return {}
    differs = before is None or any(
        getattr(before, name) != getattr(wanted, name)
        for name in ("source", "operations", "fields", "key_header", "checks_answers", "document")
        if wanted.says(name)
    )
    if differs or (before is not None and not wanted.names.items() <= before.names.items()):
        return {"api": (told(before), told(wanted))}
    return {}


def lost_choices(part: ServerPart) -> Iterator[str]:
    """What the file chooses and its own document does not have."""
    wanted = part.api
    if wanted is None or wanted.document is None:
        return
    there = still_there(wanted.document, Terms(operations=tuple(wanted.operations), names=wanted.names))
    for choice in wanted.operations:
        if choice not in there:
            yield f"The document of {part.slug} has no operation '{choice[:80]}'."


def keep_api(session: AsyncSession, server_id: str, part: ApiPart, row: ApiDocument | None) -> ApiDocument:
    """Keep what a file says, in the caller's transaction."""
    before = read_terms(row.terms) if row is not None else Terms(operations=())
    terms = Terms(
        tuple(part.operations) if part.says("operations") or row is None else before.operations,
        {**before.names, **part.names},
        part.fields if part.says("fields") else before.fields,
        part.key_header if part.says("key_header") else before.key_header,
        part.checks_answers if part.says("checks_answers") else before.checks_answers,
    )
    if row is None:
        text, digest = text_and_digest(dict(NOT_READ))
        row = ApiDocument(id=new_id("api"), server_id=server_id, text=text, digest=digest)
        session.add(row)
    row.source, row.terms = part.source, terms.stored()
    if part.document is not None:
        row.text, row.digest = text_and_digest(part.document)
    return row


def told(part: ApiPart | None) -> Json | None:
    """For a plan and the audit: of a document the digest."""
    if part is None:
        return None
    shown = part.model_dump(exclude={"document"}, exclude_defaults=True)
    return shown if part.document is None else {**shown, "document": text_and_digest(part.document)[1]}
