"""What a swap of servers would do: for each tool whether the new server's fits and why not, and what stands against the
whole."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tradepost.foundation.canonical import digest
from tradepost.hub.registration.contract.tools import Offer, Reason, reasons_against
from tradepost.hub.registration.swap_rows import SwapRows
from tradepost.hub.registry.models import Assignment, Server, ToolEntry

Verdict = Literal["fits", "accepted", "unclear", "breaks", "waits", "missing"]

GOOD: frozenset[str] = frozenset({"fits", "accepted"})
_WAITS = {
    "unapproved": "It has not been approved yet.",
    "disabled": "It is disabled.",
    "quarantined": "Its definition changed, and nobody has looked at the new one yet.",
}


@dataclass(frozen=True, slots=True)
class ToolFit:
    """One tool. `unclear` may be accepted by an admin; `breaks`, `missing` and `waits` (nobody approved it) may not.
    `exposed` are the names under which agents know it."""

    name: str
    verdict: Verdict
    reasons: tuple[Reason, ...]
    exposed: tuple[str, ...]
    assignments: int
    old_digest: str
    new_digest: str | None


@dataclass(frozen=True, slots=True)
class SwapReport:
    """The whole comparison. `against` are reasons that no tool is to blame for, `notes` what is good to know. `mark`
    stands for exactly what was compared. `swap_id` is that of the swap, once it was made."""

    old: str
    new: str
    tools: tuple[ToolFit, ...]
    against: tuple[str, ...]
    notes: tuple[str, ...]
    mark: str
    swap_id: str | None = None

    @property
    def fits(self) -> bool:
        """Whether the new server can take over now."""
        return not self.against and all(tool.verdict in GOOD for tool in self.tools)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a program to read."""
        tools = [
            {
                "name": tool.name,
                "verdict": tool.verdict,
                "reasons": [{"about": one.about, "text": one.text, "certain": one.certain} for one in tool.reasons],
                "exposed": list(tool.exposed),
                "assignments": tool.assignments,
                "old_digest": tool.old_digest,
                "new_digest": tool.new_digest,
            }
            for tool in self.tools
        ]
        whole = {"fits": self.fits, "old": self.old, "new": self.new, "tools": tools}
        return {
            **whole,
            "against": list(self.against),
            "notes": list(self.notes),
            "mark": self.mark,
            "id": self.swap_id,
        }


def mark_of(rows: SwapRows) -> str:
    """Stands for what a report is about: another mark means that something was changed since."""
    entries = [entry for pair in rows.pairs for entry in pair if entry is not None]
    return digest(
        [
            [_of_server(server) for server in (rows.old, rows.new)],
            [_of_entry(entry) for entry in entries],
            [[one.id, one.exposed_name, one.profile_id, one.agent_id] for one in rows.assignments],
            list(rows.seen_twice),
            list(rows.rules),
        ]
    )


def report_of(rows: SwapRows, *, accept: Collection[str] = (), approve: bool = False) -> SwapReport:
    """Compare. Takes as long as the schemas are large: for a thread. `accept` names tools that are to go over although
    it cannot be told whether they fit; `approve` counts on what nobody has approved being approved with the swap."""
    assigned: dict[str, list[Assignment]] = {}
    for one in rows.assignments:
        assigned.setdefault(one.tool_entry_id, []).append(one)
    tools = tuple(_fit(rows, old, new, assigned.get(old.id, ()), accept, approve) for old, new in rows.pairs)
    return SwapReport(rows.old.slug, rows.new.slug, tools, tuple(_against(rows)), tuple(_notes(rows)), mark_of(rows))


def _fit(
    rows: SwapRows,
    old: ToolEntry,
    new: ToolEntry | None,
    assignments: Sequence[Assignment],
    accept: Collection[str],
    approve: bool,
) -> ToolFit:
    verdict, reasons = _judged(rows, old, new, approve)
    if verdict == "unclear" and old.name in accept:
        verdict = "accepted"
    return ToolFit(
        old.name,
        verdict,
        tuple(reasons),
        tuple(sorted({one.exposed_name for one in assignments})),
        len(assignments),
        old.digest,
        new.digest if new is not None else None,
    )


def _judged(rows: SwapRows, old: ToolEntry, new: ToolEntry | None, approve: bool) -> tuple[Verdict, list[Reason]]:
    if new is None or new.state == "removed":
        return "missing", [Reason("rules", f"{rows.new.slug} has no tool of this name.", certain=True)]
    by_swap = approve and new.state == "unapproved"
    if new.state != "enabled" and not by_swap:
        return "waits", [Reason("rules", _WAITS.get(new.state, f"It is {new.state}."), certain=True)]
    reasons = reasons_against(Offer.of(rows.old, old), Offer.of(rows.new, new, old if by_swap else None))
    if any(one.certain for one in reasons):
        return "breaks", reasons
    return ("unclear" if reasons else "fits"), reasons


def _against(rows: SwapRows) -> list[str]:
    found = []
    if rows.new.status == "disabled":
        found.append(f"{rows.new.slug} is disabled: enable it first.")
    if not rows.pairs:
        found.append(f"No tool of {rows.old.slug} is assigned to anybody, so there is nothing to take over.")
    found.extend(
        f"{who} sees {tool} of {rows.new.slug} already, as {name}: take that away first."
        for who, tool, name in rows.seen_twice
    )
    found.extend(
        f"The rule '{name}' is about {rows.old.slug} and not about {rows.new.slug}: add one like it for "
        f"{rows.new.slug} first, or let it be about both."
        for name in rows.rules
    )
    return found


def _notes(rows: SwapRows) -> list[str]:
    found = []
    if rows.left:
        names = ", ".join(f"{name} ({state})" for name, state in rows.left)
        found.append(f"Not visible to anybody now, and so left with {rows.old.slug}: {names}.")
    if rows.contents:
        found.append(f"Resources and prompts that {rows.new.slug} does not have: {', '.join(rows.contents[:20])}.")
    if rows.old.kind == "builtin" and rows.new.kind != "builtin":
        found.append(
            f"{rows.old.slug} is bundled and knows its callers; {rows.new.slug} knows what it is told "
            f"(tradepost server inject {rows.new.slug})."
        )
    if rows.waiting:
        found.append(
            f"{rows.waiting} writes wait for approval as calls of {rows.old.slug}; they are not carried out at "
            f"{rows.new.slug}: whoever asked for them asks again."
        )
    return found


def _of_server(server: Server) -> list[Any]:
    return [server.id, server.slug, server.url, server.credential_version, server.status == "disabled", server.settings]


def _of_entry(entry: ToolEntry) -> list[Any]:
    rules: Mapping[str, Any] = entry.settings
    return [entry.id, entry.digest, entry.state, entry.tool_class, entry.scope, entry.moves_money, rules]
