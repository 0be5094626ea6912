"""A server with every feature, made with the official SDK: of the newer era, the older one, or both."""

from __future__ import annotations

import asyncio
from typing import Any

import mcp_types as types
from mcp.server import Server
from mcp.shared.message import ServerMessageMetadata

from tests.hub.upstreams.watched_server import MODERN, WatchedServer

PROMPT, PROMPT_THAT_ASKS = "greet", "greet_by_name"
ASKS = "note://asks"
TEMPLATE = "note://{name}"
TOOLS = ("echo", "work", "ask", "think", "places", "wait", "ask_and_wait")
NAME = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
QUESTIONS: dict[str, dict[str, Any]] = {
    "ask": {
        "method": "elicitation/create",
        "params": {"mode": "form", "message": "Your name?", "requestedSchema": NAME},
    },
    "ask_and_wait": {
        "method": "elicitation/create",
        "params": {"mode": "form", "message": "Your name?", "requestedSchema": NAME},
    },
    "think": {
        "method": "sampling/createMessage",
        "params": {
            "messages": [{"role": "user", "content": {"type": "text", "text": "The capital of France?"}}],
            "maxTokens": 20,
        },
    },
    "places": {"method": "roots/list", "params": {}},
}


class FeatureServer(WatchedServer):
    """`waiting` is set while a call waits, `left` when one was given up."""

    def __init__(self, *eras: str) -> None:
        self.waiting, self.left = asyncio.Event(), asyncio.Event()
        super().__init__(*eras)
        self.tools = list(TOOLS)

    def _made(self) -> Server[Any]:
        return Server(
            "features",
            version="1",
            on_list_tools=self._list_tools,
            on_call_tool=self._call,
            on_list_resources=self._list_resources,
            on_list_resource_templates=self._list_templates,
            on_read_resource=self._read,
            on_subscribe_resource=self._subscribe,
            on_unsubscribe_resource=self._unsubscribe,
            on_subscriptions_listen=self._listen,
            on_list_prompts=self._list_prompts,
            on_get_prompt=self._prompt,
            on_completion=self._complete,
            on_set_logging_level=self._set_level,
        )

    async def _call(self, context: Any, params: Any) -> Any:
        if params.name == "work":
            token = (context.meta or {}).get("progress_token")
            for done in (1, 2):
                if token is not None:
                    await context.session.send_progress_notification(
                        token, done, total=2, related_request_id=context.request_id
                    )
            await context.session.send_log_message("warning", "working", related_request_id=context.request_id)
            return _text("worked")
        if params.name in QUESTIONS:
            asked = await self._asked(context, params)
            if params.name != "ask_and_wait" or isinstance(asked, types.InputRequiredResult):
                return asked
        if params.name in ("wait", "ask_and_wait"):
            self.waiting.set()
            try:
                await asyncio.Event().wait()
            finally:
                self.left.set()
        return _text(str((params.arguments or {}).get("text")))

    async def _asked(self, context: Any, params: Any) -> Any:
        """Ask by the result in the newer era, in the middle of the call in the older one."""
        if context.protocol_version >= MODERN:
            given = (params.input_responses or {}).get("q")
            if given is None:
                return _question(params.name)
        elif params.name in ("ask", "ask_and_wait"):
            given = await context.session.elicit_form("Your name?", NAME, related_request_id=context.request_id)
        elif params.name == "think":
            question = types.SamplingMessage.model_validate(QUESTIONS["think"]["params"]["messages"][0])
            given = await context.session.create_message(
                [question], max_tokens=20, related_request_id=context.request_id
            )
        else:
            about = ServerMessageMetadata(related_request_id=context.request_id)
            given = await context.session.send_request(types.ListRootsRequest(), types.ListRootsResult, metadata=about)
        return _text(given.model_dump_json(by_alias=True, exclude_none=True))

    async def _list_templates(self, context: Any, params: Any) -> types.ListResourceTemplatesResult:
        template = types.ResourceTemplate(uri_template=TEMPLATE, name="note")
        return types.ListResourceTemplatesResult(resource_templates=[template])

    async def _name(self, context: Any, params: Any) -> Any:
        """The name that the client's person gives, or the question for it."""
        if context.protocol_version >= MODERN:
            given = (params.input_responses or {}).get("q")
            return _question("ask") if given is None else given.content["name"]
        asked = await context.session.elicit_form("Your name?", NAME, related_request_id=context.request_id)
        return asked.content["name"]

    async def _read(self, context: Any, params: Any) -> Any:
        uri = str(params.uri)
        if uri == ASKS:
            named = await self._name(context, params)
            if isinstance(named, types.InputRequiredResult):
                return named
            return types.ReadResourceResult(contents=[types.TextResourceContents(uri=uri, text=f"for {named}")])
        return types.ReadResourceResult(contents=[types.TextResourceContents(uri=uri, text=f"content of {uri}")])

    async def _list_prompts(self, context: Any, params: Any) -> types.ListPromptsResult:
        argument = types.PromptArgument(name="who", required=True)
        asking = types.Prompt(name=PROMPT_THAT_ASKS)
        return types.ListPromptsResult(prompts=[types.Prompt(name=PROMPT, arguments=[argument]), asking])

    async def _prompt(self, context: Any, params: Any) -> Any:
        if params.name == PROMPT_THAT_ASKS:
            named = await self._name(context, params)
            if isinstance(named, types.InputRequiredResult):
                return named
            params.arguments = {"who": named}
        said = types.TextContent(type="text", text=f"Hello {params.arguments['who']}")
        return types.GetPromptResult(messages=[types.PromptMessage(role="user", content=said)])

    async def _complete(self, context: Any, params: Any) -> types.CompleteResult:
        values = [value for value in ("Ada", "Alan", "Grace") if value.startswith(params.argument.value)]
        return types.CompleteResult(completion=types.Completion(values=values, total=len(values), has_more=False))

    async def _set_level(self, context: Any, params: Any) -> types.EmptyResult:
        return types.EmptyResult()


def _question(name: str) -> types.InputRequiredResult:
    asked = {"resultType": "input_required", "inputRequests": {"q": QUESTIONS[name]}}
    return types.InputRequiredResult.model_validate(asked)


def _text(said: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(type="text", text=said)])
