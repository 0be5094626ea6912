"""One operation as the definition of a tool: what a model reads, and in `_meta` the request that it stands for."""

from collections.abc import Set
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from tradepost.foundation.untrusted import clean
from tradepost.hub.registration.intake import tool_finding
from tradepost.hub.registration.openapi.addresses import Homes
from tradepost.hub.registration.openapi.inputs import Inputs
from tradepost.hub.registration.openapi.operations import Operation
from tradepost.hub.registration.openapi.outputs import output_schema
from tradepost.hub.registration.openapi.reading import words
from tradepost.hub.registration.openapi.references import Document, Unusable
from tradepost.hub.upstreams.rest.plan import Plan
from tradepost.protocol.api_marks import REQUEST

Json = dict[str, Any]

MAX_WORDS = 1_500  # characters of a description


@dataclass(frozen=True, slots=True)
class Frame:
    """What is the same for all operations of an API."""

    homes: Homes
    key_header: str | None
    checks_answers: bool
    reserved: Set[str]


def definition_of(document: Document, operation: Operation, frame: Frame, fields: list[str]) -> Json:
    """The Tool object. Raises Unusable with one sentence about why there cannot be one."""
    if operation.problem is not None:
        raise Unusable(operation.problem)
    inputs = Inputs(document, operation, frame.key_header, frame.reserved)
    schema = inputs.collect()
    made: Json = {"name": operation.name}
    if operation.title:
        made["title"] = operation.title
    made["description"] = _description(operation)
    made["inputSchema"] = schema
    output = output_schema(document, operation.node, fields) if frame.checks_answers else None
    if output is not None:
        made["outputSchema"] = output
    made["annotations"] = _annotations(operation)
    made["_meta"] = {REQUEST: _plan(operation, frame, inputs, fields)}
    finding = tool_finding(made)
    if finding is not None and output is not None:
        del made["outputSchema"]  # what it takes matters; what it gives can go unchecked
        finding = tool_finding(made)
    if finding is not None:
        raise Unusable(finding)
    return made


def _plan(operation: Operation, frame: Frame, inputs: Inputs, fields: list[str]) -> Plan:
    prefix = frame.homes.prefix_of(operation)
    plan: Plan = {"method": operation.method, "path": operation.path, "parameters": inputs.parameters}
    if prefix is not None:
        plan["path"], plan["rooted"] = quote(prefix, safe="/%-._~") + operation.path, True
    if inputs.body is not None:
        plan["body"] = inputs.body
    if fields:
        plan["fields"] = fields
    return plan


def _description(operation: Operation) -> str:
    """Summary and description, whichever there are; else method and path, which say something at least."""
    summary, text = words(operation.node, "summary"), words(operation.node, "description")
    said = text if text.startswith(summary) else f"{summary.rstrip('.')}. {text}" if text else summary
    if operation.node.get("deprecated") is True:
        said = f"Deprecated. {said}"
    return clean(said.strip() or f"{operation.method} {operation.path}", MAX_WORDS)


def _annotations(operation: Operation) -> Json:
    """What the method promises (RFC 9110)."""
    return {
        "readOnlyHint": operation.tool_class == "read",
        "destructiveHint": operation.tool_class == "destructive",
        "idempotentHint": operation.method in ("GET", "HEAD", "PUT", "DELETE"),
        "openWorldHint": True,
    }
