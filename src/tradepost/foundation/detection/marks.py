"""Signs that are a form rather than words: markers of roles, calls of tools as JSON, addresses that take data along.

Each pattern begins with something fixed and has an end to what it may run through, so that no text takes long."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from tradepost.foundation.detection.kinds import Kind


class Mark(NamedTuple):
    """A form. `needle` is what any text with it has, in small letters: where it is missing, nothing else is tried."""

    kind: Kind
    weight: int
    needle: str
    pattern: re.Pattern[str]


_SPEAKER = r"(?:human|user|assistant|system)"
_FORMS: tuple[tuple[Kind, int, str, str], ...] = (
    ("role", 10, "<|", r"<\|[a-z_]{2,24}\|>"),
    ("role", 10, "inst]", r"\[/?inst\]"),
    ("role", 10, "sys>>", r"<</?sys>>"),
    (
        "role",
        10,
        ">",
        r"</?(?:system|assistant|developer|tool_result|tool_response|function_result|user_query|human)\s{0,3}>",
    ),
    ("role", 8, ">", r"</?(?:important|instructions?|admin|secret|override)\s{0,3}>"),
    ("role", 9, '"role"', r"\"role\"\s{0,3}:\s{0,3}\"(?:system|assistant|developer|tool)\""),
    ("role", 9, "##", r"#{2,4} {0,2}(?:new |updated )?(?:system|instruction|response|input)s?\b"),
    ("role", 9, "```", r"```\s{0,2}system\b"),
    ("role", 7, "]", r"\[\s{0,2}(?:system|admin|assistant|developer)\b[^\]\n]{0,30}\]"),
    (
        "role",
        6,
        " of ",
        r"[-=*_#]{2} {0,2}(?:end|begin|start)(?:ing)? of (?:the )?"
        r"(?:tool|data|document|context|note|message|prompt|user|system)\b",
    ),
    ("role", 7, "\n", rf"\n {{0,4}}{_SPEAKER} {{0,2}}: [^\n]{{1,400}}\n{{1,3}} {{0,4}}{_SPEAKER} {{0,2}}:"),
    (
        "role",
        4,
        ":",
        r"(?:\A|\n) {0,4}(?:system|systeme|sistema|systeem|sistem|система)"
        r"(?: (?:message|prompt|override|note))? {0,2}:",
    ),
    ("role", 6, ":", r"(?:系统|システム|系统消息) {0,2}:"),
    ("addressed", 5, ",", r"(?:\A|\n) {0,4}(?:ai|assistant|agent|bot|chatbot|llm),"),
    ("tool", 10, "<", r"<\s{0,2}/?(?:tool_call|function_calls?|invoke|tool_use)\b"),
    (
        "tool",
        10,
        '":',
        r"\"(?:tool|name|function|tool_name)\"\s{0,3}:\s{0,3}\"\w{3,64}\"\s{0,3},\s{0,3}"
        r"\"(?:arguments|parameters|input|args|params)\"\s{0,3}:",
    ),
    ("role", 7, "assistant", r"\b(?:human|user) {0,2}:[^\n]{1,200}\bassistant {0,2}:"),
    ("role", 7, "assistant", r"\bassistant {0,2}:[^\n]{1,200}\b(?:human|user) {0,2}:"),
    ("tool", 6, '":', r"\"(?:action|command|operation|tool_calls?)\"\s{0,3}:\s{0,3}[\"\[{]"),
    ("tool", 8, "tools/call", r"\btools/call\b"),
    ("tool", 8, "action input", r"(?:\A|\n)\s{0,4}action\s{0,2}:[^\n]{1,80}\n\s{0,4}action input\s{0,2}:"),
    ("exfiltration", 8, "](http", r"!\[[^\]\n]{0,60}\]\(https?://[^)\s?=&]{1,200}[?=&]"),
    ("exfiltration", 8, "=", r"https?://[^\s?]{1,200}\?[^\s=]{0,100}=[\[{<$]"),
)
MARKS = tuple(Mark(kind, weight, needle, re.compile(pattern)) for kind, weight, needle, pattern in _FORMS)


def marked(text: str) -> Iterator[tuple[Kind, int, str]]:
    """The forms in a text: kind, weight and the words."""
    lower = text.lower()
    for mark in MARKS:
        if mark.needle in lower:
            found = mark.pattern.search(lower)
            if found is not None:
                yield mark.kind, mark.weight, found.group()
