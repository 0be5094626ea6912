"""A knowledge entry's Markdown, cut into the sections that are searched and cited.

Each heading below the first level begins a section. Its id is written before its title or behind it in braces
("## RET-1 Return window", "## Return window {#RET-1}"); in an article a heading without one gets an id from the entry's
slug and its words. Text before the first such heading is a section of its own, named like the entry.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt

from tradepost.foundation.errors import InvalidArgument

MAX_SECTIONS, MAX_SECTION_CHARACTERS, MAX_TITLE = 500, 20_000, 200

_BEFORE = re.compile(r"^(?P<clause>[A-Z][A-Z0-9]{0,9}-\d{1,6}(?:\.\d{1,4}){0,3})[.:]?\s+(?P<title>\S.*)$")
_BEHIND = re.compile(r"^(?P<title>.*\S)\s*\{#(?P<clause>[A-Za-z0-9][A-Za-z0-9._/-]{0,59})\}$")
_PARSER = MarkdownIt("commonmark")


@dataclass(frozen=True, slots=True)
class Section:
    """What is found and cited as one: its id, its title, its text as Markdown."""

    clause: str
    title: str
    body: str


def sections_of(slug: str, title: str, body: str, *, named: bool) -> list[Section]:
    """The sections of an entry. With `named` each heading has to say its id: policies are cited, so an id must not
    change because a word of a heading did. Raises InvalidArgument naming the heading."""
    found = [section for section, _, _ in _sections(slug, title, body, named) if section.body]
    seen: dict[str, str] = {}
    for section in found:
        if section.clause.lower() in seen:
            raise _wrong(f"Two headings have the id {section.clause}.", "Give each heading an id of its own.")
        seen[section.clause.lower()] = section.title
        if len(section.body) > MAX_SECTION_CHARACTERS:
            raise _wrong(
                f"The section '{section.title}' has {len(section.body):,} characters; {MAX_SECTION_CHARACTERS:,} go.",
                "Divide it with more headings: people and models read short sections.",
            )
    if not found:
        raise _wrong("The text has no section with words in it.", "Write something under its headings.")
    if len(found) > MAX_SECTIONS:
        raise _wrong(f"The text has {len(found)} sections; {MAX_SECTIONS} go.", "Make several entries of it.")
    return found


def with_section(slug: str, title: str, body: str, clause: str, text: str) -> str | None:
    """The entry's Markdown with another text in the section of this id, its heading and all others as they are. None
    where it has no such section."""
    lines = body.splitlines()
    for section, first, last in _sections(slug, title, body, named=False):
        if section.clause == clause and section.body:
            before, after = lines[:first], lines[last:]
            return (
                "\n".join([*before, *([""] if before else []), text.strip(), *([""] if after else []), *after]) + "\n"
            )
    return None


def _sections(slug: str, title: str, body: str, named: bool) -> Iterator[tuple[Section, int, int]]:
    """Each section with its first line and the line after its last, without its heading."""
    lines = body.splitlines()
    start, clause, heading = 0, slug, title
    used: dict[str, int] = {}
    for first, last, level, words in _headings(body):
        yield Section(clause, heading, "\n".join(lines[start:first]).strip()), start, first
        start = last
        if level == 1:
            clause, heading = slug, words or title
            continue
        clause, heading = _named(words, slug, used, named)
    yield Section(clause, heading, "\n".join(lines[start:]).strip()), start, len(lines)


def _headings(body: str) -> Iterator[tuple[int, int, int, str]]:
    """(its first line, the line after it, its level, its words) of each heading, not of those in code."""
    tokens = _PARSER.parse(body)
    for at, token in enumerate(tokens):
        if token.type == "heading_open" and token.map is not None and token.level == 0:
            yield token.map[0], token.map[1], int(token.tag[1:]), tokens[at + 1].content.strip()


def _named(words: str, slug: str, used: dict[str, int], named: bool) -> tuple[str, str]:
    found = _BEHIND.match(words) or _BEFORE.match(words)
    title = found["title"] if found else words
    if len(title) > MAX_TITLE:
        raise _wrong(f"The heading '{title[:60]}…' has more than {MAX_TITLE} characters.", "Shorten it.")
    if found:
        return found["clause"], title
    if named:
        raise _wrong(
            f"The heading '{words[:60]}' has no clause id.",
            "Write one before it or behind it: '## RET-1 Return window' or '## Return window {#RET-1}'.",
        )
    plain = "-".join(re.findall(r"[^\W_]+", words.lower()))[:60].strip("-") or "section"
    used[plain] = used.get(plain, 0) + 1
    return f"{slug}/{plain}" + (f"-{used[plain]}" if used[plain] > 1 else ""), title or slug


def _wrong(message: str, hint: str) -> InvalidArgument:
    return InvalidArgument(message, hint=hint, field="body")
