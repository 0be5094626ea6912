"""The forms that the scripted model fills in where a model is asked for one: who does what, and what somebody wrote."""

import re
from collections.abc import Mapping
from typing import Any

from tradepost.agents.ports import Json
from tradepost.agents.scripted.facts import facts_of
from tradepost.agents.scripted.intents import LABEL

_LISTED = re.compile(r"^- ([a-z0-9_-]+): (.*)$", re.MULTILINE)
_WISHES: Mapping[str, str] = {
    "talk_to_a_person": r"\b(human|person|agent|somebody|someone real|manager)\b",
    "cancel_order": r"\bcancel",
    "exchange_item": r"\bexchange|\bswap|\bother size|instead",
    "return_item": r"\breturn|send (it |them )?back|too (small|big|large)",
    "report_problem": r"\bbroken|\bdamaged?|\bfaulty|\bmissing|\bwrong item|\bnever (came|arrived)",
    "track_order": r"\bwhere\b|\btrack|\barriv|\bdeliver|\bparcel|\bstatus",
    "invoice": r"\binvoice|\bbill|\breceipt",
    "policy_question": r"\bhow long|\bpolicy|\bwarranty|\bcan i\b|\bdo you\b|\bgift card",
    "product_question": r"\bsize|\bproduct|\bstock|\bprice|\bwash",
}
_REASONS: Mapping[str, str] = {
    "too_small": r"too (small|tight)",
    "too_big": r"too (big|large|wide)",
    "damaged": r"broken|damaged|scratched",
    "faulty": r"faulty|does not work|doesn't work",
    "wrong_item": r"wrong",
    "late": r"\blate\b",
    "missing": r"missing|never",
}


_KINDS: Mapping[str, str] = {
    "order_id": "orders",
    "rma": "returns",
    "po_id": "purchasing receipts",
    "delivery_id": "deliveries",
    "customer_id": "customer",
    "claim_id": "claims",
    "sku": "stock products",
    "tracking_number": "shipments parcels",
}
# What requests speak of, in the words in which specialists are described.
_SUBJECTS: Mapping[str, str] = {
    r"\b(briefing|overview|kpis?|figures|performance)\b": "glance",
    r"\b(disputes?|chargebacks?|payouts?|variances?|settle\w*|sales|sold|sell|revenue)\b": "money glance",
    r"\b(drivers?|routes?|vans?)\b": "deliveries",
    r"\b(suppliers?|purchase|overdue|reorders?)\b": "purchasing",
    r"\b(late|delayed|promised|at risk)\b": "orders deliveries",
    r"\b(stock|units|pieces|available|enough|inventory)\b": "stock",
    r"\b(refunds?|exchange)\b": "returns refunds",
}


def fill(schema: Json, text: str, instructions: str) -> Json | None:
    """The form of this schema, filled in; None for one that is not known."""
    properties = set(schema.get("properties", {}))
    if {"parts", "why"} <= properties:
        return _routing(text, instructions)
    if {"wish", "summary"} <= properties:
        return _reading(text)
    return None


def _routing(text: str, instructions: str) -> Json:
    """Each sentence goes to whom it shares most words with; several only where sentences differ."""
    listed = _LISTED.findall(instructions)
    chosen: dict[str, list[str]] = {}
    for sentence in [part.strip() for part in re.split(r"(?<=[?!.])\s+|\n+", text) if part.strip()] or [text]:
        best = max(listed, key=lambda one: (_shared(sentence, " ".join(one)), -listed.index(one)))
        if _shared(sentence, " ".join(best)):
            chosen.setdefault(best[0], []).append(sentence)
        elif chosen:  # it goes with what was said before
            chosen[next(reversed(chosen))].append(sentence)
    parts = [{"specialist": name, "task": " ".join(said)[:4_000]} for name, said in list(chosen.items())[:4]]
    if not parts:
        return {
            "parts": [],
            "why": "The request shares no word with any specialist (scripted).",
            "answer": _nobody(listed),
        }
    return {"parts": parts, "why": "By the words that request and specialist share (scripted).", "answer": ""}


def _nobody(listed: list[tuple[str, str]]) -> str:
    known = " ".join(description for _, description in listed)
    asked = "Name a record (an order, a return, a SKU), or ask for what the specialists do"
    return f"{LABEL} I know nobody for this. {asked}: {known}"[:2_000]


def _reading(text: str) -> Json:
    said = text.lower()
    wish = next((name for name, words in _WISHES.items() if re.search(words, said)), "other")
    facts = facts_of(text)
    form: dict[str, Any] = {
        "wish": wish,
        "order_number": facts.get("order_id"),
        "return_number": facts.get("rma"),
        "tracking_number": facts.get("tracking_number"),
        "product": facts.get("sku"),
        "reason": next((name for name, words in _REASONS.items() if re.search(words, said)), None),
        "summary": f"The customer's wish by its words: {wish.replace('_', ' ')}.",
    }
    return {name: value for name, value in form.items() if value is not None}


def _shared(sentence: str, specialist: str) -> int:
    """How often the specialist's name and description have words of the sentence; a number of a record counts as the
    word for such records."""
    kinds = [_KINDS[name] for name in facts_of(sentence) if name in _KINDS]
    subjects = [said for words, said in _SUBJECTS.items() if re.search(words, sentence, re.IGNORECASE)]
    named = " ".join([*kinds, *subjects])
    asked = set(_stems(f"{sentence} {named} {named}"))
    return sum(stem in asked for stem in _stems(specialist))


_NO_SUBJECT = frozenset("they them their this that these those which what".split())


def _stems(text: str) -> list[str]:
    words = re.findall(r"[a-z]{4,}", text.lower().replace("_", " "))
    return [word[:5] for word in words if word not in _NO_SUBJECT]
