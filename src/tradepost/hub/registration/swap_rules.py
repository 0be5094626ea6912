"""Rules of policy that are about the old server of a swap, and would let the new one's tools go."""

from collections.abc import Collection
from dataclasses import replace
from fnmatch import fnmatchcase

from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.hub.policy.rule import Rule
from tradepost.hub.policy.stored import read_own


async def left_behind(session: AsyncSession, old: str, new: str, tools: Collection[str]) -> list[str]:
    """The names of those that ask or deny for one of these tools, and of which none like it is about the new server."""
    rules = [
        rule
        for rule in await read_own(session)
        if rule.enabled and rule.outcome != "allow" and rule.server is not None and _concerns(rule, tools)
    ]
    there = {_terms(rule) for rule in rules if _is_about(rule, new)}
    return [rule.name for rule in rules if _is_about(rule, old) and _terms(rule) not in there]


def _is_about(rule: Rule, server: str) -> bool:
    return rule.server is not None and fnmatchcase(server, rule.server)


def _concerns(rule: Rule, tools: Collection[str]) -> bool:
    return rule.tool is None or any(fnmatchcase(tool, rule.tool) for tool in tools)


def _terms(rule: Rule) -> Rule:
    """What it says, whatever it is called and whichever server it is about."""
    return replace(rule, id="", name="", reason="", server=None, version=0)
