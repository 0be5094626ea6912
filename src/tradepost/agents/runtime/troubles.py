"""What goes wrong in a run, as one sentence to the person who asked. Nothing of a provider's answer is repeated: it may
hold keys, addresses or a customer's words."""

import math

from pydantic_ai.exceptions import (
    AgentRunError,
    FallbackExceptionGroup,
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelContextWindowExceededError,
    ModelNotFoundError,
    ModelQuotaExceededError,
    ModelRateLimitError,
    ModelServerError,
    ModelTimeoutError,
    ModelUnavailableError,
    ToolFailed,
    UnexpectedModelBehavior,
    UsageLimitExceeded,
    UserError,
)

from tradepost.agents.runtime.limits import Halted
from tradepost.foundation.errors import TradepostError

# What a run can end with. Everything else is a mistake of ours.
FORESEEN = (
    AgentRunError, FallbackExceptionGroup, Halted, TimeoutError, TradepostError, ToolFailed, UserError
)  # fmt: skip
STOPPED = (UsageLimitExceeded, Halted)

_SENTENCES: tuple[tuple[type[BaseException], str], ...] = (
    (
        ModelContextWindowExceededError,
        "This conversation has become too long for the model. Begin a new one, or ask less at once.",
    ),
    (ModelRateLimitError, "The model is asked too much at the moment. Please ask again in a minute."),
    (ModelQuotaExceededError, "The account of the model is used up. An admin has to look at it."),
    (ModelAuthenticationError, "The model refused the key that is set for it. An admin has to set another."),
    (ModelNotFoundError, "The model that is set for this agent does not exist. An admin has to choose another."),
    (ModelTimeoutError, "The model did not answer in time. Please ask again."),
    (ModelConnectionError, "The connection to the model failed. Please ask again later."),
    (ModelServerError, "The model is not available at the moment. Please ask again later."),
    (ModelUnavailableError, "The model is not available at the moment. Please ask again later."),
    (ModelAPIError, "The model could not answer. Please ask again later."),
    (
        UnexpectedModelBehavior,
        "The model answered in a way that cannot be used, several times. Please ask in other words.",
    ),
)


def sentence_for(error: BaseException) -> str:
    """What the person is told."""
    if isinstance(error, FallbackExceptionGroup):
        return sentence_for(error.exceptions[-1])
    if isinstance(error, Halted | TradepostError):
        return str(error)
    if isinstance(error, UsageLimitExceeded):
        return (
            f"I stopped at a limit of this agent: {_limit(str(error))}. Ask for less at once, or let an admin raise it."
        )
    if isinstance(error, TimeoutError) and not isinstance(error, ModelTimeoutError):
        return "I stopped: this took longer than the agent may. Please ask for less at once."
    if isinstance(error, ModelRateLimitError) and error.retry_after:
        seconds = math.ceil(error.retry_after)
        return f"The model is asked too much at the moment. Please ask again in {seconds} seconds."
    for kind, sentence in _SENTENCES:
        if isinstance(error, kind):
            return sentence
    return "The model could not be used as it is set. An admin has to look at the agent's model."


def _limit(message: str) -> str:
    for word, said in (("token", "tokens"), ("tool_calls", "calls of tools"), ("request", "steps")):
        if word in message:
            return said
    return "what it may use"
