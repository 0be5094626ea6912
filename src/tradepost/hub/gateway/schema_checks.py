"""Trying pinned schemas on arguments and answers: the harmless ones here and now, the others in a process of their own.

Which one a schema is was said when it was pinned; a value that is too large for a harmless one makes the check costly
as well.
"""

import logging
from typing import Any

import orjson

from tradepost.foundation.errors import InvalidArgument, Unavailable
from tradepost.hub.gateway.schema_worker import Fault, sentence_of
from tradepost.hub.gateway.schema_workers import SchemaWorkers
from tradepost.hub.registry.catalog import CatalogTool
from tradepost.hub.registry.schema_check import SchemaCheck

_log = logging.getLogger(__name__)


class SchemaChecks:
    """Checks what goes to servers and what comes from them."""

    def __init__(self, workers: SchemaWorkers | None = None) -> None:
        self._workers = workers or SchemaWorkers()

    def fit_at_once(self, tool: CatalogTool, arguments: dict[str, Any]) -> bool:
        """Whether arguments fit, seen without waiting. What is not seen here may fit all the same: ask `arguments`."""
        check = tool.arguments_check
        try:
            return check.is_inline(orjson.dumps(arguments)) and check.fits(arguments)
        except (TypeError, ValueError, InvalidArgument):
            return False

    async def arguments(self, tool: CatalogTool, arguments: dict[str, Any]) -> None:
        """Raises InvalidArgument naming the field, unless the arguments fit; Unavailable when too many costly ones of
        this server are being checked."""
        check = tool.arguments_check
        try:
            text = orjson.dumps(arguments)
            if check.is_inline(text):
                if check.fits(arguments):
                    return
                if check.is_described_inline(text):
                    check(arguments)
            fault = await self._asked(tool, "arguments", check, text)
        except (TimeoutError, OSError, EOFError) as error:
            _log.warning("arguments of %s could not be checked in time: %r", tool.raw_name, error)
            raise InvalidArgument(
                "The arguments could not be checked within the time allowed.",
                hint="Send fewer or smaller values. If small ones fail as well, an admin has to look at the schema.",
            ) from error
        except (TypeError, ValueError) as odd:
            raise InvalidArgument("The arguments cannot be checked: they hold a value that is not JSON.") from odd
        if fault is not None:
            raise InvalidArgument(str(fault["message"]), field=fault["field"], hint=fault["hint"])

    def answers_at_once(self, tool: CatalogTool, value: Any, source: bytes | None) -> bool:
        """Whether a tool's structured result fits, seen without waiting. What is not seen here may fit all the same:
        ask `answer`."""
        check = tool.answer_check
        if check is None or value is None or source is None or not check.is_surely_inline(len(source)):
            return False
        try:
            return check.fits(value)
        except (TypeError, ValueError, InvalidArgument):
            return False

    async def answer(self, tool: CatalogTool, value: Any, source: bytes | None = None) -> str | None:
        """What is wrong with a tool's structured result, in a few words; None when it fits, or when no schema says what
        it must be. `source` is a JSON text in which the value stands, where it is at hand."""
        check = tool.answer_check
        if check is None:
            return None
        if value is None:
            return "it has no structuredContent"
        if self.answers_at_once(tool, value, source):
            return None
        try:
            text = orjson.dumps(value)
            if check.is_inline(text):
                if check.fits(value):
                    return None
                if check.is_described_inline(text):
                    error = check.first_error(value)
                    return sentence_of(error) if error is not None else None
            fault = await self._asked(tool, "answer", check, text)
        except (TimeoutError, OSError, EOFError, Unavailable) as error:
            _log.warning("a result of %s could not be checked in time: %r", tool.raw_name, error)
            return "it could not be checked within the time allowed"
        except (InvalidArgument, TypeError, ValueError) as unusable:
            return f"the schema cannot be used ({str(unusable)[:200]})"
        return str(fault["message"]) if fault is not None else None

    async def close(self) -> None:
        """End the processes."""
        await self._workers.close()

    async def _asked(self, tool: CatalogTool, kind: str, check: SchemaCheck, text: bytes) -> Fault | None:
        task = b'{"kind":"%b","schema":%b,"value":%b}\n' % (kind.encode(), check.text, text)
        answer = await self._workers.ask(tool.server_id, tool.server_slug, task)
        fault: Fault | None = orjson.loads(answer)["fault"]
        return fault
