"""A plan as plain values: what the command prints with --json, and what REST answers."""

from dataclasses import asdict
from typing import Any

from tradepost.hub.registration.configuration.plan import Plan


def plan_shown(plan: Plan, *, dry_run: bool) -> dict[str, Any]:
    """No secret is in it: of headers there are names alone."""
    return {
        "dry_run": dry_run,
        "changed": not dry_run and not plan.is_empty,
        "changes": [
            {
                "action": change.action,
                "kind": change.kind,
                "name": change.name,
                "members": [
                    {"member": member, "before": before, "after": after}
                    for member, (before, after) in change.members.items()
                ],
                "note": change.note,
                "line": change.line,
            }
            for change in plan.changes
        ],
        "notes": list(plan.notes),
        "to_be_set": [asdict(one) for one in plan.to_be_set],
    }
