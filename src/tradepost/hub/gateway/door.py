"""The gateway for callers inside the product (agents, the command line, test calls): no HTTP, the same pipeline."""

from functools import lru_cache

import orjson

from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import ForbiddenScope
from tradepost.foundation.ids import new_id
from tradepost.hub.gateway.answers import error_result
from tradepost.hub.gateway.call import Call, Json
from tradepost.hub.gateway.pipeline import Pipeline, lacks_scope
from tradepost.hub.gateway.steps.find_tool import catalog_of
from tradepost.protocol.hosting import NO_EXTRAS, CallExtras


class Door:
    """Satisfies ToolDoor. Every call gets a request id of its own."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    async def list(self, caller: Caller) -> list[Json]:
        """The Tool objects the caller sees. They are shared: nobody changes them."""
        return _tools((await catalog_of(self._pipeline.parts, caller, None)).tools_json)

    async def call(
        self,
        caller: Caller,
        name: str,
        arguments: Json,
        run_id: str | None = None,
        key: str | None = None,
        extras: CallExtras = NO_EXTRAS,
    ) -> Json:
        """The CallToolResult object of one call; `key` is its idempotency key. Raises NotFound for a tool the caller
        does not see. A missing scope is a result with isError: there is no HTTP here that could say it, and nobody to
        ask for more."""
        if key is not None:
            extras = extras._replace(idempotency_key=key)
        own = caller.for_request(new_id("req"))
        return await self.run(Call(own, "tool", name, arguments, extras=extras, run_id=run_id or caller.run_id))

    async def run(self, call: Call) -> Json:
        """The same, of a call that its caller wants to look at afterwards."""
        try:
            return await self._pipeline.run(call)
        except ForbiddenScope as error:
            if call.entry is None or not lacks_scope(error):
                raise
            return error_result(error)


@lru_cache(maxsize=256)
def _tools(tools_json: bytes) -> list[Json]:
    """Read once for each catalog: agents ask before every request to their model."""
    tools: list[Json] = orjson.loads(tools_json)
    return tools
