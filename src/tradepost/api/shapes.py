"""Shapes that several subjects share: pages, moments, names, the problem of an error."""

from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Path
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer

from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.pagination import DEFAULT_LIMIT, MAX_CURSOR_CHARACTERS, MAX_LIMIT

Item = TypeVar("Item")


class Given(BaseModel):
    """What a client sends: nothing but the fields named."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)


class Shown(BaseModel):
    """What a client gets: every field is always there."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


def either(one: str, other: str) -> dict[str, Any]:
    """For the schema of a body that names exactly one of two things."""
    return {
        "oneOf": [
            {"required": [named], "properties": {named: {"type": "string"}, left_out: {"type": "null"}}}
            for named, left_out in ((one, other), (other, one))
        ]
    }


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("the time has no zone; write it like 2026-02-24T09:00:00Z")
    try:
        to_rfc3339(moment)
    except OverflowError:
        raise ValueError("the time is too far away") from None
    return moment


# A time that was sent: RFC 3339 with a zone.
Moment = Annotated[datetime, AfterValidator(_in_utc)]
# A time that is shown: RFC 3339 in UTC.
Instant = Annotated[datetime, PlainSerializer(to_rfc3339, return_type=str)]

Words = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f]*$")]
Reference = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
Scope = Annotated[str, Field(pattern=r"^[a-z]+(:[a-z0-9_.-]+)+$", max_length=100, examples=["read:orders"])]
Slug = Annotated[
    str, Field(min_length=1, max_length=40, pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", examples=["supply-chain"])
]


def in_path(description: str, example: str) -> Any:
    """An id or name in a path."""
    return Path(min_length=1, max_length=200, description=description, examples=[example])


class PageQuery(Given):
    """What every list takes."""

    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MAX_LIMIT, description="How many at most.")
    cursor: str | None = Field(
        None, max_length=MAX_CURSOR_CHARACTERS, description="`next_cursor` of the page before, unchanged."
    )


class Page(Shown, Generic[Item]):
    """One page of a list, in an order that stays."""

    items: list[Item]
    next_cursor: str | None = Field(description="Pass it as `cursor` for the next page; null on the last one.")
    has_more: bool


def page(items: list[Item], next_cursor: str | None) -> Page[Item]:
    """A page of a list."""
    return Page(items=items, next_cursor=next_cursor, has_more=next_cursor is not None)


class ProblemShape(BaseModel):
    """Problem details (RFC 9457). `code` is stable; `detail` and `hint` are for people."""

    type: str = Field(examples=["urn:tradepost:problem:not_found"])
    title: str
    status: int
    detail: str = Field(description="What happened, and why.")
    code: str = Field(examples=["not_found"])
    hint: str | None = Field(None, description="What to do next.")
    field: str | None = Field(None, description="The field, parameter or header at fault.")
    details: dict[str, Any] | None = None
    request_id: str | None = Field(None, description="Not with 404; the header X-Request-Id has it always.")
