"""The table of the documents that REST APIs are described by."""

from typing import Any

from sqlalchemy import Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from tradepost.database.base import HubBase, Versioned, scoped_reference
from tradepost.database.types import JsonColumn


class ApiDocument(HubBase, Versioned):
    """The OpenAPI document of a server that is a REST API, as it was last read. `source` is where it is read anew, None
    for one that was handed over. `terms` are what an admin chose of it (registration.openapi.terms). What agents may
    call stands in the definitions that were approved: those hold whatever becomes of the document."""

    __tablename__ = "api_documents"
    server_id: Mapped[str]
    source: Mapped[str | None]
    text: Mapped[str] = mapped_column(Text)
    digest: Mapped[str]
    terms: Mapped[dict[str, Any]] = mapped_column(JsonColumn, default=dict)
    __table_args__ = (
        scoped_reference("server_id", "servers", ondelete="CASCADE"),
        Index("uq_api_documents_server", "workspace_id", "server_id", unique=True),
    )
