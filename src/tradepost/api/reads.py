"""Reads of the shop for people: each is a call of a bundled server's tool that only looks, as on the pages of the
dashboard."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field

from tradepost.api.access import Work, may
from tradepost.api.contacts import structured_of
from tradepost.api.shapes import Given, Shown, in_path
from tradepost.foundation.errors import ForbiddenScope, InvalidArgument

router = APIRouter(tags=["reads"])

Reading = Annotated[Work, Depends(may("viewer", "read:orders"))]
Which = Annotated[str, in_path("The tool's name.", "get_order")]


class Arguments(Given):
    """What to look for."""

    arguments: dict[str, Any] = Field(default_factory=dict, description="As the tool's schema has them.")


class ReadTool(Shown):
    """A tool that a person may call."""

    name: str
    description: str
    input_schema: dict[str, Any]


class ReadTools(Shown):
    """All of them."""

    items: list[ReadTool]


class ReadResult(Shown):
    """What a tool answered."""

    text: str = Field(description="In words, as a model reads it.")
    result: dict[str, Any] = Field(description="The same as fields.")


@router.get("/reads", summary="List what people may read")
async def list_reads(work: Reading) -> ReadTools:
    """Tools of the bundled servers that only look and that nobody has switched off."""
    found = await work.parts.gateway.people.list(work.caller, _person(work))
    return ReadTools(
        items=[
            ReadTool(name=one["name"], description=one.get("description", ""), input_schema=one["inputSchema"])
            for one in found
        ]
    )


@router.post("/reads/{tool}", summary="Read something of the shop")
async def read(work: Reading, tool: Which, body: Arguments) -> ReadResult:
    """One call through the same gateway as agents', with the person as the caller. Personal data is masked for viewers.
    Nothing is changed by it."""
    if len(body.arguments) > 100:
        raise InvalidArgument("These are more than 100 arguments.", field="arguments")
    answer = await work.parts.gateway.people.read(work.caller, _person(work), tool, body.arguments)
    text = "\n".join(str(one["text"]) for one in answer.get("content", []) if one.get("type") == "text")
    return ReadResult(text=text, result=structured_of(answer))


def _person(work: Work) -> Any:
    if work.user is None:
        raise ForbiddenScope("This is for people: an agent calls its tools over MCP.")
    return work.user
