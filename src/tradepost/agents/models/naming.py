"""The model of a name."""

import os
from collections.abc import Awaitable, Callable, Mapping

import anthropic
import httpx2
import openai
from pydantic_ai.exceptions import UserError
from pydantic_ai.models import Model, infer_model
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.fallback import FallbackModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

from tradepost.agents.models.quick import quick
from tradepost.agents.scripted.model import scripted_model
from tradepost.agents.setups.model_names import OWN, SCRIPTED, Named, read_name
from tradepost.foundation.errors import SetupError

_KEYS: Mapping[str, tuple[str, ...]] = {
    "openai": ("OPENAI_API_KEY",),
    "openai-chat": ("OPENAI_API_KEY",),
    "openai-responses": ("OPENAI_API_KEY",),
    "anthropic": ("ANTHROPIC_API_KEY",),
}
RETRIES = 1  # a person waits: a second model is asked sooner than the first one for the third time
NO_KEY = "none"  # what an endpoint of one's own gets where no key is set: it asks for none

MOST_WAITED = 3.0  # seconds that a model may ask us to wait before it is asked again; a person waits with us

MayReach = Callable[[str], Awaitable[object]]  # raises InvalidArgument for a URL that may not be used


async def _ask_again_soon_or_never(response: httpx2.Response) -> None:
    """Both clients wait for as long as a response says, up to a minute: rather say so, or ask the second model."""
    try:
        asked = float(response.headers.get("retry-after", 0))
    except ValueError:  # a date: further off than a moment
        asked = MOST_WAITED + 1
    if asked > MOST_WAITED:
        response.headers["x-should-retry"] = "false"


_HOOKS: dict[str, list[Callable[..., object]]] = {"response": [_ask_again_soon_or_never]}


class Models:
    """Makes models and keeps them: a model holds connections, and agents that name the same share it. `may_reach` says
    whether an endpoint of one's own may be used; keys come from the environment, as the providers name them."""

    def __init__(self, may_reach: MayReach, environment: Mapping[str, str] = os.environ) -> None:
        self._may_reach = may_reach
        self._environment = environment
        self._made: dict[str, Model] = {}
        self._clients: list[anthropic.AsyncAnthropic | openai.AsyncOpenAI] = []

    async def model(self, name: str, fallback: str | None = None) -> Model:
        """The model of a name; with a second one, which is asked where the first cannot answer. Raises InvalidArgument,
        SetupError where its key is missing."""
        first = await self._one(name)
        if not fallback or fallback == name:
            return first
        return FallbackModel(first, await self._one(fallback))

    async def _one(self, text: str) -> Model:
        named = read_name(text)
        if named.url is not None:
            await self._may_reach(named.url)  # each time: names are resolved anew, and rules change
        made = self._made.get(text)
        if made is None:
            made = self._made[text] = quick(self._make(text, named))
        return made

    def _make(self, text: str, named: Named) -> Model:
        if named.provider == SCRIPTED:
            return scripted_model()
        key = self._key(named)
        if named.provider in OWN and (named.url is not None or self._base_url(named.provider)):
            return self._own(named, key, named.url or self._base_url(named.provider))
        try:
            return infer_model(text)
        except (UserError, ValueError, ImportError) as error:
            raise SetupError(
                f"The model {text} cannot be used: {str(error).splitlines()[0]}",
                hint="Check its name, and that its provider's key is set in the environment of the hub.",
            ) from None

    def _own(self, named: Named, key: str, url: str | None) -> Model:
        """An endpoint of one's own: chat completions is what those that speak like OpenAI have in common. Redirects
        are not followed: only this address was looked at."""
        if named.provider == "anthropic":
            straight = anthropic.DefaultAsyncHttpxClient(follow_redirects=False, event_hooks=_HOOKS)
            claude = anthropic.AsyncAnthropic(api_key=key, base_url=url, max_retries=RETRIES, http_client=straight)
            self._clients.append(claude)
            return AnthropicModel(named.name, provider=AnthropicProvider(anthropic_client=claude))
        direct = openai.DefaultAsyncHttpxClient(follow_redirects=False, event_hooks=_HOOKS)
        chat = openai.AsyncOpenAI(api_key=key, base_url=url, max_retries=RETRIES, http_client=direct)
        self._clients.append(chat)
        return OpenAIChatModel(named.name, provider=OpenAIProvider(openai_client=chat))

    async def close(self) -> None:
        """Let go of connections to endpoints."""
        clients, self._clients = self._clients, []
        self._made.clear()
        for client in clients:
            await client.close()

    def _base_url(self, provider: str) -> str | None:
        return self._environment.get(f"{provider.upper()}_BASE_URL") or None

    def _key(self, named: Named) -> str:
        names = _KEYS.get(named.provider, ())
        found = next((self._environment[name] for name in names if self._environment.get(name)), None)
        if found is None and names and named.url is None and not self._base_url(named.provider):
            raise SetupError(
                f"The model {named.provider}:{named.name} needs a key, and {names[0]} is not set.",
                hint=f"Start the hub with {names[0]}=…, or give the agent another model: `tradepost agent set AGENT "
                f"--model {SCRIPTED}` works without a key.",
            )
        return found or NO_KEY
