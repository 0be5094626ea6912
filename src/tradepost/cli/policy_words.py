"""How `tradepost policy` reads members of a rule and shows rules."""

from typing import Any

from tradepost.cli import console
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.policy.rule import Rule
from tradepost.hub.registration.policies import drafts, last_week
from tradepost.hub.registration.policies.drafts import Names

_NUMBERS = frozenset({"order", "approvals", "expires_minutes"})
_SWITCHES = frozenset({"enabled", "caller_may_confirm", "loosens"})
_OF_WINDOW = frozenset({"from", "to", "days", "start", "end", "zone"})


def said_in(given: list[str] | None, when: str | None, reason: str | None) -> dict[str, Any]:
    """MEMBER=VALUE pairs as members of a rule; those of a window belong together."""
    said: dict[str, Any] = {}
    window: dict[str, Any] = {}
    for text in given or ():
        member, equals, value = text.partition("=")
        if not equals:
            raise InvalidArgument(f"'{text[:60]}' sets nothing.", hint="Write MEMBER=VALUE, or MEMBER= to unset it.")
        if member in _OF_WINDOW:
            window[member] = value
        else:
            said[member] = _value(member, value)
    if window:
        said["window"] = {name: value for name, value in window.items() if value}
    if when is not None:
        said["when"] = when
    if reason is not None:
        said["reason"] = reason
    return said


def figures_in(given: list[str] | None) -> dict[str, str | None]:
    """FIGURE=ARGUMENT pairs; an empty argument lets go of one."""
    pairs = [text.partition("=") for text in given or ()]
    for figure, equals, _ in pairs:
        if not equals:
            raise InvalidArgument(f"'{figure[:60]}' sets nothing.", hint="Write FIGURE=ARGUMENT.")
    return {figure: argument or None for figure, _, argument in pairs}


def _value(member: str, text: str) -> Any:
    if member in _NUMBERS and text.isascii() and text.isdigit() and len(text) < 10:
        return int(text)
    if member in _SWITCHES and text in ("true", "false", "yes", "no", "on", "off"):
        return text in ("true", "yes", "on")
    return text or None


def as_member(rule: Rule, names: Names) -> dict[str, Any]:
    return {"id": rule.id, **drafts.shown(rule, names), "built_in": rule.built_in, "version": rule.version}


def row_of(rule: Rule, names: Names) -> dict[str, Any]:
    outcome: str = "ask2" if rule.outcome == "ask" and rule.approvals > 1 else rule.outcome
    if rule.approver_role is not None:
        outcome += f" {rule.approver_role}"
    if rule.caller_may_confirm:
        outcome += " (or the caller)"
    shown = drafts.shown(rule, names)
    about = [f"{part} {shown[part]}" for part in ("profile", "agent", "server", "tool", "class") if shown[part]]
    set_by = "built in" if rule.built_in else "freeze" if rule.kind == "freeze" else "workspace"
    return {
        "order": rule.order,
        "slug": rule.name,
        "outcome": outcome + (" (loosens)" if rule.loosens else "") + ("" if rule.enabled else " (disabled)"),
        "about": ", ".join(about) or "every write",
        "when": "; ".join(part for part in (rule.when, rule.window and rule.window.in_words()) if part),
        "reason": rule.reason,
        "set_by": set_by,
    }


def say_mind(mind: str | None) -> None:
    """What its author should know of a rule, beside what they asked for: on stderr."""
    if mind is not None:
        console.err.print(f"Mind: {mind}", markup=False, soft_wrap=True)


def tell(rule: Rule, names: Names, *, as_json: bool, mind: str | None = None) -> None:
    say_mind(mind)
    if as_json:
        console.show_json(as_member(rule, names))
        return
    for member, value in as_member(rule, names).items():
        if value not in (None, False, ""):
            console.say(f"{member}: {console.text(value)}")


def tell_comparison(found: last_week.Comparison, *, as_json: bool) -> None:
    rows = [
        {
            "id": one.action_id,
            "at": one.at,
            "tool": one.tool,
            "before": one.before,
            "after": one.after,
            "rule": one.rule,
            "reason": one.reason,
            "gone": one.gone,
        }
        for one in found.differences
    ]
    if as_json:
        console.show_json(
            {"looked_at": found.looked_at, "more": found.more, "differences": rows, "gone": list(found.gone)}
        )
        return
    shown = [{**row, "tool": f"{row['tool']} (gone)"} if row["gone"] else row for row in rows]
    console.show_table(shown, ["id", "at", "tool", "before", "after", "rule", "reason"], "Nothing differs.")
    last = f"the last {found.looked_at}" if found.more else f"{found.looked_at}"
    console.say(f"Looked at {last} writes of the last {last_week.DAYS} days. Nothing was changed.")
    if found.gone:
        names = ", ".join(found.gone)
        console.say(
            f"Tools among them that are no longer there: {console.text(names)}. They count as they were called."
        )
