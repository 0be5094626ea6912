"""The kinds of signs, and how they are said to a person."""

from typing import Literal, get_args

Kind = Literal[
    "override",
    "role",
    "addressed",
    "tool",
    "exfiltration",
    "secrecy",
    "approval",
    "authority",
    "persona",
    "prompt",
    "encoded",
    "hidden",
    "long",
]
Level = Literal["none", "possible", "likely"]
KINDS: tuple[Kind, ...] = get_args(Kind)
LEVELS: tuple[Level, ...] = get_args(Level)  # the gravest last

SAYS: dict[Kind, str] = {
    "override": "it tells its reader to drop the instructions it has",
    "role": "it poses as a message of the system or of somebody else in the conversation",
    "addressed": "it speaks to an assistant or a model",
    "tool": "it names a tool that should be called",
    "exfiltration": "it asks for data of others, or for data to be sent somewhere",
    "secrecy": "it asks to keep something from people",
    "approval": "it presses to go past an approval",
    "authority": "it claims a right to command",
    "persona": "it asks its reader to be somebody else, or to have no limits",
    "prompt": "it asks for the instructions or tools that its reader has",
    "encoded": "it has that in an encoding",
    "hidden": "it has characters that hide what it says",
    "long": "it was too long to be looked through whole",
}
