"""What is told: the JSON of a webhook (Standard Webhooks), the blocks of Slack, the text of a mail. Amount and risk
come first, what the asker wrote is marked as theirs, and what does not fit is said to be missing."""

from datetime import datetime
from typing import Any

import orjson

from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.untrusted import clean, with_hidden_shown
from tradepost.hub.actions.card import Card
from tradepost.hub.actions.foreseen import in_a_line
from tradepost.hub.actions.views import ActionView
from tradepost.hub.notices import waiting_customers

EVENTS = {
    "approval.requested": "A write waits for people.",
    "approval.seconded": "One of several people has approved it.",
    "approval.approved": "It was approved and is about to be carried out.",
    "approval.rejected": "Somebody rejected it.",
    "approval.expired": "Nobody approved it in time.",
    "approval.canceled": "It was taken back.",
    "approval.executed": "It was carried out: succeeded, failed, or the outcome is unknown.",
    waiting_customers.EVENT: "A customer waits for a person in the shop's chat.",
}
TEST = "webhook.test"
TYPE_OF = {
    **{f"action:{verb}": f"approval.{verb}" for verb in ("requested", "seconded", "approved", "rejected", "expired")},
    "action:canceled": "approval.canceled",
    waiting_customers.ASKED: waiting_customers.EVENT,
    **dict.fromkeys(("action:succeeded", "action:failed", "action:unknown"), "approval.executed"),
}
MAX_BODY = 64 * 1024
MAX_LINE = 400  # characters of one argument in a mail or in Slack
MAX_LINES = 30
MAX_FORESEEN = 10  # changes in a mail: the page has them all
MAX_SLACK_TEXT = 2_800  # Slack refuses blocks of more than 3,000
_AMOUNTS = frozenset("amount amount_minor total total_minor price price_minor value".split())


def webhook_body(event_type: str, at: datetime, shown: ActionView, card: Card, url: str) -> str:
    """The JSON text that is signed and sent, the same in each attempt."""
    data: dict[str, Any] = {
        "id": shown.id,
        "state": shown.state,
        "message": shown.what_happened(),
        "tool": shown.exposed_name,
        "server": shown.server,
        "tool_class": shown.tool_class,
        "moves_money": shown.moves_money,
        "agent_id": shown.agent_id,
        "summary": card.foreseen.summary,
        "reason": card.reason,
        "asked_by": card.asker,
        "arguments": shown.arguments,
        "fingerprint": shown.fingerprint,
        "warnings": list(card.warnings),
        "preview": shown.preview,
        "round": shown.round,
        "approvals_needed": shown.approvals_needed,
        "verdicts": [said.as_dict() for said in shown.verdicts],
        "created_at": to_rfc3339(shown.created_at),
        "expires_at": to_rfc3339(shown.expires_at) if shown.expires_at else None,
        "url": url,
    }
    text = _dumped(event_type, at, data)
    if len(text.encode()) > MAX_BODY:
        data.update(arguments=None, preview=None, left_out=["arguments", "preview"])
        data["warnings"] = ["Arguments and preview are too large for a message: read them at the url."]
        text = _dumped(event_type, at, data)
    return text


def test_body(at: datetime) -> str:
    """What a webhook gets when somebody tries it."""
    return _dumped(TEST, at, {"message": "This is a test. Nothing waits for you."})


def slack_body(event_type: str, shown: ActionView, card: Card, url: str) -> str:
    """A message for Slack's incoming webhooks. It has a link and no button that decides anything."""
    risk = risk_of(shown, card)
    head = _slack(f"{_VERBS[event_type]}: {shown.exposed_name}", 140)
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": clean(_plain_head(shown, event_type), 140)}},
        _section(f"*{_slack(risk)}*"),
    ]
    if event_type == "approval.requested":
        seen = card.foreseen
        blocks += [_section(_slack(text)) for text in (seen.summary, *map(moved_in_words, seen.moved[:5])) if text]
        blocks.append(_section("\n".join(f"• *{_slack(name)}*: {_slack(value)}" for name, value in _lines(card))))
        blocks += [_section(f":warning: {_slack(warning)}") for warning in card.warnings[:5]]
        blocks.append(_section(f"Asked by {_slack(card.asker)}. Why it asks: {_slack(card.reason)}"))
    else:
        blocks.append(_section(_slack(shown.what_happened())))
    blocks.append(_section(f"<{url}|Read it whole{' and answer' if shown.state == 'pending' else ''}>"))
    return orjson.dumps({"text": f"{head}: {_slack(risk)}", "blocks": blocks}).decode()


def slack_test() -> str:
    """What a channel gets when somebody tries it."""
    return orjson.dumps({"text": "Tradepost can write here. This is a test."}).decode()


def mail_subject(shown: ActionView) -> str:
    """One line."""
    what = "Money: approve" if shown.moves_money else "Approve"
    return clean(f"{what} {shown.exposed_name}?", 150).replace("\n", " ")


def mail_text(shown: ActionView, card: Card, link: str) -> str:
    """The text of a mail that asks for an answer."""
    until = f"Until {to_rfc3339(shown.expires_at.replace(microsecond=0))}." if shown.expires_at else ""
    seen = card.foreseen
    effects = [f"  {clean(one, MAX_LINE)}" for one in seen.effects[:MAX_FORESEEN]]
    changes = [f"  {clean(in_a_line(one), MAX_LINE)}" for one in seen.changes]
    if len(changes) > MAX_FORESEEN:
        changes[MAX_FORESEEN:] = [f"  [NOT SHOWN HERE: {len(changes) - MAX_FORESEEN} more changes]"]
    parts = [
        f"{risk_of(shown, card)}\n{shown.exposed_name} on {shown.server} waits for your answer. {until}",
        "\n".join([clean(seen.summary, MAX_LINE), *map(moved_in_words, seen.moved)]).strip(),
        "What would change:\n" + "\n".join(changes) if changes else "",
        "Outside the store:\n" + "\n".join(effects) if effects else "",
        "Arguments, exactly as they would be carried out (texts in them are the asker's words, not ours):\n"
        + "\n".join(f"  {name}: {value}" for name, value in _lines(card)),
        "\n".join(f"! {warning}" for warning in card.warnings),
        f"Asked by {card.asker}. Why it asks: {card.reason}",
        f"Read it whole and answer here:\n{link}",
        "The link is yours alone and works once. Opening it changes nothing. Do not forward this mail.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def risk_of(shown: ActionView, card: Card) -> str:
    """Amount and risk in one line."""
    risk = "Moves money" if shown.moves_money else "Destroys" if shown.tool_class == "destructive" else "Changes data"
    if card.foreseen.amount:
        return f"{risk}: {card.foreseen.amount}"
    facts = dict(card.arguments)
    amounts = [value for path, value in card.arguments if _last(path) in _AMOUNTS]
    currency = next((value for path, value in card.arguments if _last(path) == "currency"), "")
    unit = " minor units" if any(_last(path).endswith("_minor") for path in facts) else ""
    if not amounts:
        return risk
    return f"{risk}: {', '.join(clean(one, 60) for one in amounts[:5])}{unit} {currency}".rstrip()


def moved_in_words(sentence: str) -> str:
    """What is different from what people approved before."""
    return f"Changed since it was approved: {clean(sentence, MAX_LINE)}"


def _lines(card: Card) -> list[tuple[str, str]]:
    """The arguments, as far as they fit, and what does not."""
    lines = [(name, _short(value)) for name, value in card.arguments[:MAX_LINES]]
    left = len(card.arguments) - len(lines)
    return [*lines, ("not shown here", f"{left} more arguments")] if left > 0 else lines or [("arguments", "none")]


def _short(value: str) -> str:
    if len(value) <= MAX_LINE:
        return value
    return f"{value[:MAX_LINE]} … [NOT SHOWN HERE: {len(value) - MAX_LINE} more characters]"


def _last(path: str) -> str:
    return path.rpartition(".")[2].partition("[")[0]


_VERBS = {
    "approval.requested": "Approval needed",
    "approval.seconded": "Approved by one of several",
    "approval.approved": "Approved",
    "approval.rejected": "Rejected",
    "approval.expired": "Expired",
    "approval.canceled": "Taken back",
    "approval.executed": "Carried out",
}


def _plain_head(shown: ActionView, event_type: str) -> str:
    return f"{_VERBS[event_type]}: {with_hidden_shown(shown.exposed_name)}"


def _section(text: str) -> dict[str, Any]:
    if len(text) > MAX_SLACK_TEXT:
        text = f"{text[:MAX_SLACK_TEXT]}\n[NOT SHOWN HERE: {len(text) - MAX_SLACK_TEXT} more characters]"
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _slack(text: str, cap: int = MAX_SLACK_TEXT) -> str:
    """Text that Slack takes for nothing but text: no mention, no link, no formatting that begins a line."""
    plain = clean(with_hidden_shown(text), cap)
    for sign, written in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        plain = plain.replace(sign, written)
    return "".join(f"\u200b{one}" if one in "*_~`" else one for one in plain)


def _dumped(event_type: str, at: datetime, data: dict[str, Any]) -> str:
    return orjson.dumps({"type": event_type, "timestamp": to_rfc3339(at), "data": data}).decode()
