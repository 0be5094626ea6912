"""Which steps a claim may take, and what has to be proven before it is filed."""

from tradepost.commerce.store.states import Transitions

CLAIM: Transitions = {
    "draft": ("submitted", "withdrawn"),
    "submitted": ("under_review", "withdrawn"),
    "under_review": ("evidence_needed", "approved", "partially_approved", "denied", "withdrawn"),
    "evidence_needed": ("under_review", "withdrawn"),
    "approved": ("paid",),
    "partially_approved": ("paid",),
    "denied": ("closed",),
    "paid": ("closed",),
    "withdrawn": ("closed",),
    "closed": (),
}
OPEN = ("draft", "submitted", "under_review", "evidence_needed")

# One of these kinds of evidence has to be there before a claim of the type is filed.
PROOF: dict[str, tuple[str, ...]] = {
    "damage": ("photo", "inspection"),
    "concealed_damage": ("photo", "packaging", "inspection"),
    "loss": ("invoice", "bol"),
    "shortage": ("bol", "inspection", "photo"),
    "overage": ("bol", "inspection", "photo"),
    "misdelivery": ("pod", "photo"),
    "wrong_item": ("photo", "inspection"),
    "defect": ("photo", "inspection"),
    "delay": (),
}
CONCEALED_DAYS = 5  # a concealed damage must be told within so many days of the delivery
