"""The documents of REST APIs as they are kept, read for whoever needs to know what they say."""

import asyncio
from dataclasses import replace
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.hub.registration.oauth_terms import OAuthTerms
from tradepost.hub.registration.openapi.client_terms import terms_with_document
from tradepost.hub.registration.openapi.compiling import still_there
from tradepost.hub.registration.openapi.operations import chosen, operations_of
from tradepost.hub.registration.openapi.references import Document
from tradepost.hub.registration.openapi.terms import Terms, read_terms
from tradepost.hub.registry.api_models import ApiDocument


async def document_of(session: AsyncSession, server_id: str) -> ApiDocument | None:
    """That of a server; None for one that is no API."""
    found: ApiDocument | None = await session.scalar(select(ApiDocument).where(ApiDocument.server_id == server_id))
    return found


async def terms_with_kept(terms: OAuthTerms, kept: ApiDocument, base_url: str) -> OAuthTerms:
    """The terms of OAuth with what they leave open and the document says. Raises InvalidArgument."""
    return await asyncio.to_thread(_completed, terms, kept, base_url)


def scopes_needed(raw: Any, choice: Terms, token_url: str | None, base_url: str) -> tuple[str, ...]:
    """The scopes that the chosen operations of a document need of the tokens had at `token_url`."""
    return _open_filled(OAuthTerms("client_credentials", token_url=token_url), raw, choice, base_url).scopes


def _completed(terms: OAuthTerms, kept: ApiDocument, base_url: str) -> OAuthTerms:
    return _open_filled(terms, orjson.loads(kept.text), read_terms(kept.terms), base_url)


def _open_filled(terms: OAuthTerms, raw: Any, choice: Terms, base_url: str) -> OAuthTerms:
    usable = replace(choice, operations=still_there(raw, choice))
    document = Document(raw)
    operations = operations_of(document, usable.names)
    return terms_with_document(terms, document, chosen(operations, usable.operations), base_url)
