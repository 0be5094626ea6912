"""Sending the same tools again and again without preparing them again and again.

A request to a model holds every tool with its whole schema. Before each one, the loop rewrites all schemas for the
provider, and OpenAI's client then walks through them, and through all messages, in search of things that plain JSON
does not have, and writes them slowly. With thirty tools that is most of what a request costs here.
"""

from functools import cache
from typing import Any

import orjson
from pydantic_ai.models import Model
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.profiles import JsonSchemaTransformer, merge_profile

_MOST_KEPT = 10_000

Json = dict[str, Any]


def quick(model: Model) -> Model:
    """The same model, changed so that it keeps what it has prepared."""
    transformer = model.profile.get("json_schema_transformer")
    if transformer is not None:
        model.profile = merge_profile(model.profile, {"json_schema_transformer": _keeping(transformer)})
    if isinstance(model, OpenAIChatModel):
        _send_as_they_are(model.client.chat.completions, ("tools", "messages"))
        _write_quickly(model.client)
    elif isinstance(model, OpenAIResponsesModel):
        _send_as_they_are(model.client.responses, ("tools", "input"))
        _write_quickly(model.client)
    return model


@cache
def _keeping(transformer: type[JsonSchemaTransformer]) -> type[JsonSchemaTransformer]:
    """The transformer, which rewrites one and the same schema once."""
    # By identity: tools that did not change are the same objects (toolset). The schema is kept with its result, so that
    # no other one gets its identity.
    kept: dict[tuple[int, bool | None], tuple[Json, Json, bool]] = {}

    class Keeping(transformer):  # type: ignore[misc, valid-type]
        is_strict_compatible: bool

        def walk(self) -> Json:
            given, key = self.schema, (id(self.schema), self.strict)
            found = kept.get(key)
            if found is None:
                walked = super().walk()
                if len(kept) >= _MOST_KEPT:
                    kept.clear()
                found = kept[key] = (given, walked, self.is_strict_compatible)
            self.is_strict_compatible = found[2]
            return found[1]

    return Keeping


def _send_as_they_are(resource: Any, names: tuple[str, ...]) -> None:
    """Let a resource of OpenAI's client send these as the JSON they are: it does not look into `extra_body`."""
    create = resource.create

    async def as_they_are(**given: Any) -> Any:
        plain = {name: given[name] for name in names if isinstance(given.get(name), list)}
        emptied: dict[str, list[Json]] = {name: [] for name in plain}  # what is required has to be there
        return await create(**{**given, **emptied, "extra_body": {**(given.get("extra_body") or {}), **plain}})

    resource.create = as_they_are


def _write_quickly(client: Any) -> None:
    """Let OpenAI's client send a body that is plain JSON as the bytes it comes to; any other one it writes itself."""
    prepare = client._prepare_options

    async def prepared(options: Any) -> Any:
        options = await prepare(options)
        if isinstance(options.json_data, dict) and not options.files:
            try:
                body = orjson.dumps({**options.json_data, **(options.extra_json or {})})
            except TypeError:
                return options
            options.json_data, options.extra_json = body, None
        return options

    client._prepare_options = prepared
