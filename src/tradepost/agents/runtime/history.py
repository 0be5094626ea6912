"""What a model is told of before: the messages of this turn, and those of the conversation so far."""

from collections.abc import Sequence

from pydantic_ai.messages import (
    ModelMessage,
    ModelMessagesTypeAdapter,
    ModelRequest,
    ModelResponse,
    TextPart,
    UserPromptPart,
    repair_messages,
)

from tradepost.agents.ports import BY_HUB, Step
from tradepost.agents.runtime.reading import told
from tradepost.agents.runtime.toolset import BEGUN, Known

MAX_EARLIER_CHARACTERS = 60_000  # of messages of earlier turns, tools' results and all
MAX_EXCHANGES = 12  # beyond those only what was asked and answered


def of_turn(done: Sequence[Step], agent: str) -> list[ModelMessage]:
    """The messages of one agent in this turn, as far as it came."""
    return [message for step in done if step.agent == agent for message in _messages(step)]


def known_calls(done: Sequence[Step], agent: str, decided: dict[str, dict[str, object]]) -> dict[str, Known]:
    """What is known of this turn's calls: results that were kept, those that wait, and what was decided since."""
    known: dict[str, Known] = {}
    for step in done:
        if step.agent != agent or step.tool_call_id is None:
            continue
        if step.kind == "tool_call":
            known[step.tool_call_id] = BEGUN
        elif step.kind == "tool_result":
            known[step.tool_call_id] = Known(result=step.content["result"])
        elif step.kind == "waiting":
            result = decided.get(step.tool_call_id)
            known[step.tool_call_id] = Known(result=result, approval_id=step.content["approval_id"])
    return known


def of_earlier(earlier: Sequence[Step], agent: str) -> list[ModelMessage]:
    """What was said before in the conversation: in the newest turns with the agent's own calls and their results, so
    that "cancel it" has something to go by; in older ones only what was asked and answered."""
    turns = _turns(earlier)[-MAX_EXCHANGES:]
    found: list[ModelMessage] = []
    room = MAX_EARLIER_CHARACTERS
    for turn in reversed(turns):
        full = [message for step in turn if step.agent == agent for message in _messages(step)]
        size = len(ModelMessagesTypeAdapter.dump_json(full)) if full else 0
        if full and size <= room:
            room -= size
            found = [*repair_messages(full), *_said_by_hub(turn), *found]
        else:
            found = [*_exchange(turn), *found]
    return found


def _said_by_hub(turn: Sequence[Step]) -> list[ModelMessage]:
    """What the person was told without a model: it is in nobody's messages."""
    answers = [step.content for step in turn if step.kind == "answer" and step.content.get("by") == BY_HUB]
    return [ModelResponse(parts=[TextPart(content=str(said["text"]))]) for said in answers]


def _turns(earlier: Sequence[Step]) -> list[list[Step]]:
    turns: list[list[Step]] = []
    for step in earlier:
        if step.kind == "message" or not turns:
            turns.append([])
        turns[-1].append(step)
    return turns


def _exchange(turn: Sequence[Step]) -> list[ModelMessage]:
    # What somebody outside wrote goes to whoever has tools as fields, in later turns as well.
    asked = next((told(step.content["fields"]) for step in turn if step.kind == "reading"), "")
    asked = asked or next((str(step.content.get("text", "")) for step in turn if step.kind == "message"), "")
    said = next(
        (str(step.content.get("text", "")) for step in reversed(turn) if step.kind in ("answer", "trouble")), ""
    )
    if not asked or not said:
        return []
    return [ModelRequest(parts=[UserPromptPart(content=asked)]), ModelResponse(parts=[TextPart(content=said)])]


def _messages(step: Step) -> list[ModelMessage]:
    return ModelMessagesTypeAdapter.validate_python(list(step.messages)) if step.messages else []
