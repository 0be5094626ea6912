"""Models that record, and models that replay; whatever the provider and its wire format."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from pydantic_ai import RunContext
from pydantic_ai.exceptions import (
    AgentRunError,
    FallbackExceptionGroup,
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelContextWindowExceededError,
    ModelHTTPError,
    ModelNotFoundError,
    ModelOverloadedError,
    ModelQuotaExceededError,
    ModelRateLimitError,
    ModelRequestRejectedError,
    ModelServerError,
    ModelTimeoutError,
    ModelUnavailableError,
)
from pydantic_ai.messages import ModelMessage, ModelMessagesTypeAdapter, ModelResponse
from pydantic_ai.models import CompletedStreamedResponse, Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings

from tradepost.agents.evals.taping.forms import Form, form_of
from tradepost.agents.evals.taping.tape import Tape

# What a provider's error means, the narrower first: a replay fails as the model did.
_HTTP: Mapping[str, Any] = {
    kind.__name__: kind
    for kind in (
        ModelContextWindowExceededError, ModelAuthenticationError, ModelNotFoundError, ModelRequestRejectedError,
        ModelRateLimitError, ModelQuotaExceededError, ModelOverloadedError, ModelUnavailableError, ModelServerError,
    )
}  # fmt: skip
_BROKEN: Mapping[str, Any] = {kind.__name__: kind for kind in (ModelTimeoutError, ModelConnectionError)}


class Recording(WrapperModel):
    """A model whose answers are kept."""

    def __init__(self, wrapped: Model, name: str, tape: Tape) -> None:
        super().__init__(wrapped)
        self._name = name
        self._tape = tape

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """See Model."""
        form = form_of(self._name, messages, model_settings, model_request_parameters, self._tape.clean)
        try:
            response = await super().request(messages, model_settings, model_request_parameters)
        except (AgentRunError, FallbackExceptionGroup) as error:
            self._failed(form, error)
            raise
        self._answered(form, response)
        return response

    @asynccontextmanager
    async def request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: RunContext[Any] | None = None,
    ) -> AsyncGenerator[StreamedResponse]:
        """See Model."""
        form = form_of(self._name, messages, model_settings, model_request_parameters, self._tape.clean)
        try:
            async with super().request_stream(
                messages, model_settings, model_request_parameters, run_context
            ) as stream:
                yield stream
        except (AgentRunError, FallbackExceptionGroup) as error:
            self._failed(form, error)
            raise
        self._answered(form, stream.get())

    def _answered(self, form: Form, response: ModelResponse) -> None:
        (answer,) = ModelMessagesTypeAdapter.dump_python([response], mode="json")
        for name in ("timestamp", "run_id", "conversation_id", "provider_response_id", "provider_url"):
            answer.pop(name, None)
        self._tape.keep(form, {"answered": answer})

    def _failed(self, form: Form, error: BaseException) -> None:
        last = error.exceptions[-1] if isinstance(error, FallbackExceptionGroup) else error
        status = last.status_code if isinstance(last, ModelHTTPError) else None
        kinds = {**_HTTP, **_BROKEN}
        kind = next((name for name, one in kinds.items() if isinstance(last, one)), type(last).__name__)
        self._tape.keep(form, {"failed": {"status": status, "kind": kind}})


class Replaying(Model):
    """A model that gives the answers of a recording, and asks nobody."""

    def __init__(self, name: str, tape: Tape) -> None:
        super().__init__()
        self._name = name
        self._tape = tape

    @property
    def model_name(self) -> str:
        """See Model."""
        return self._name

    @property
    def system(self) -> str:
        """See Model."""
        return "replay"

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """See Model. Raises NotRecorded, and what the model raised then."""
        form = form_of(self._name, messages, model_settings, model_request_parameters, self._tape.clean)
        found = self._tape.find(form)
        if "failed" in found:
            raise _failure(self._name, found["failed"])
        (response,) = ModelMessagesTypeAdapter.validate_python([found["answered"]])
        if not isinstance(response, ModelResponse):
            raise TypeError("a recording has an answer that is none")
        return response

    @asynccontextmanager
    async def request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: RunContext[Any] | None = None,
    ) -> AsyncGenerator[StreamedResponse]:
        """See Model."""
        response = await self.request(messages, model_settings, model_request_parameters)
        yield CompletedStreamedResponse(response, model_request_parameters=model_request_parameters, replay_events=True)


def _failure(name: str, failed: dict[str, Any]) -> AgentRunError:
    status, kind = failed["status"], failed["kind"]
    if status is not None:
        return ModelHTTPError.for_category(_HTTP.get(kind), status_code=status, model_name=name)
    broken: type[ModelAPIError] = _BROKEN.get(kind, ModelAPIError)
    return broken(name, f"It failed when it was recorded: {kind}")
