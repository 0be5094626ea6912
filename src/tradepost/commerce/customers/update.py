"""update_customer: the few fields of an account that may be changed on a customer's word."""

from typing import Annotated, Any, NotRequired

from pydantic import Field
from sqlalchemy import select
from typing_extensions import TypedDict

from tradepost.commerce.customers.models import Customer
from tradepost.commerce.serving.declare import UNDO_FOR, Answer, write_tool
from tradepost.commerce.store.store import Store
from tradepost.foundation.countries import is_country
from tradepost.foundation.errors import InvalidArgument, StateConflict
from tradepost.foundation.untrusted import clean

_ADDRESS_LIMITS = {"line1": 200, "line2": 200, "city": 100, "region": 100, "postal_code": 20, "country": 3}
_REQUIRED_PARTS = ("line1", "city", "postal_code", "country")


# An address as callers give it. All parts are sent together: half an address is no address.
class AddressInput(TypedDict):
    line1: Annotated[str, Field(max_length=200)]
    line2: NotRequired[Annotated[str, Field(max_length=200)]]
    city: Annotated[str, Field(max_length=100)]
    region: NotRequired[Annotated[str, Field(max_length=100)]]
    postal_code: Annotated[str, Field(max_length=20)]
    country: Annotated[str, Field(pattern="^[A-Z]{2,3}$")]


CustomerId = Annotated[str, Field(min_length=1, max_length=200, description="Customer id or number.", examples=["C-1"])]
Email = Annotated[
    str | None,
    Field(
        max_length=254,
        pattern=r"^[^\x00- @]+@[^\x00- @.]+(\.[^\x00- @.]+)+$",
        description="New e-mail.",
        examples=["jo@example.com"],
    ),
]
Phone = Annotated[
    str | None,
    Field(pattern=r"^\+?[0-9 ()./-]{5,30}$", description="New phone.", examples=["+31 10 1234"]),
]
Address = Annotated[
    AddressInput | None,
    Field(
        description="The whole new default address.",
        examples=[
            {
                "line1": "A 1",
                "line2": "",
                "city": "Lyon",
                "region": "",
                "postal_code": "69001",
                "country": "FR",
            }
        ],
    ),
]
Language = Annotated[
    str | None,
    Field(
        pattern="^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$",
        description="Language, BCP 47.",
        examples=["fr"],
    ),
]
Region = Annotated[str | None, Field(max_length=60, description="Region.", examples=["EU"])]
EmailConsent = Annotated[bool | None, Field(description="Consent.", examples=[False])]
SmsConsent = Annotated[bool | None, Field(description="Consent.", examples=[False])]
Note = Annotated[str | None, Field(max_length=500, description="Note.", examples=["VIP"])]


class UpdatedCustomer(TypedDict):
    """The customer and which fields changed."""

    id: str
    number: str
    version: int
    changed: list[str]


@write_tool(title="Update customer", scope="write:customers", undo_for=UNDO_FOR)
async def update_customer(
    store: Store,
    customer_id: CustomerId,
    email: Email = None,
    phone: Phone = None,
    address: Address = None,
    language: Language = None,
    region: Region = None,
    marketing_email_consent: EmailConsent = None,
    marketing_sms_consent: SmsConsent = None,
    note: Note = None,
) -> Answer[UpdatedCustomer]:
    """Change contact data, default address, language, region, marketing consents or note of a customer. Use when the
    customer asked for it and is identified; only the fields given change. Not for the address of an order already
    placed (update_order_address), payment methods, name or status. Writes to the account at once; sends nothing to the
    customer. Returns the customer's new version and the changed fields."""
    customer = await store.primary(Customer, customer_id, field="customer_id")
    _require_not_closed(customer)
    wanted: dict[str, Any] = {
        "phone": _trimmed("phone", phone),
        "language": language,
        "region": _trimmed("region", region),
        "marketing_email_consent": marketing_email_consent,
        "marketing_sms_consent": marketing_sms_consent,
        "note": _trimmed("note", note),
    }
    if email is not None:
        wanted["email"] = await _free_email(store, customer, email)
        wanted["email_folded"] = wanted["email"].lower()
    if address is not None:
        wanted["address"] = {**_kept_parts(customer.address), **_whole_address(address)}
    given = {name: value for name, value in wanted.items() if value is not None}
    if not given:
        raise InvalidArgument(
            "No field to change was given.",
            hint="Give at least one of email, phone, address, language, region, the consents or note.",
        )
    changed = [name for name, value in given.items() if getattr(customer, name) != value]
    _offer_undo(store, customer, set(changed) - {"email_folded"})
    for name in changed:
        setattr(customer, name, given[name])
    names = sorted(set(changed) - {"email_folded"})
    if changed:
        await store.session.flush()  # the version counts up here
        store.emit("customer:updated", customer, fields=names)
    text = f"Customer {customer.number}: {', '.join(names)} changed." if names else "Nothing to change."
    return Answer({"id": customer.id, "number": customer.number, "version": customer.version, "changed": names}, text)


def _offer_undo(store: Store, customer: Customer, names: set[str]) -> None:
    """What was empty before cannot be made empty again by this tool."""
    before = {name: getattr(customer, name) for name in sorted(names)}
    if "address" in before:
        before["address"] = {name: value for name, value in before["address"].items() if name in _ADDRESS_LIMITS}
    whole = all(before.get("address", {}).get(part) for part in _REQUIRED_PARTS) or "address" not in before
    if before and whole and all(value not in (None, "") for value in before.values()):
        back = {"customer_id": customer.id, **before}
        store.reverse("update_customer", back, f"Gives customer {customer.number} the earlier {', '.join(names)} back.")


def _require_not_closed(customer: Customer) -> None:
    if customer.status == "closed":
        raise StateConflict(
            f"The account of customer {customer.number} is closed and cannot be changed.",
            hint="Ask a person to open it again first.",
        )


async def _free_email(store: Store, customer: Customer, email: str) -> str:
    folded = email.lower()
    taken = await store.one_or_none(select(Customer).where(Customer.email_folded == folded, Customer.id != customer.id))
    if taken is not None:
        raise InvalidArgument(
            "Another customer has this e-mail address; each may be used once.",
            hint="Check the spelling, or find the other account with search_customers.",
            field="email",
        )
    return email


def _whole_address(address: AddressInput) -> dict[str, str]:
    parts = {name: _plain(f"address.{name}", str(address.get(name, ""))) for name in _ADDRESS_LIMITS}
    for name in _REQUIRED_PARTS:
        if not parts[name]:
            raise InvalidArgument(
                f"The address has no {name.replace('_', ' ')}.", hint="Give the whole address.", field=f"address.{name}"
            )
    if not any(character.isdigit() or character.isalpha() for character in parts["line1"]):
        raise InvalidArgument("The first address line names no street.", field="address.line1")
    if len(parts["country"]) == 2 and not is_country(parts["country"]):
        raise InvalidArgument(
            f"'{parts['country']}' is no country.", hint="Use a code like NL.", field="address.country"
        )
    return parts


def _kept_parts(address: dict[str, Any]) -> dict[str, Any]:
    """What stands beside the address itself, such as a name on the door."""
    return {name: value for name, value in address.items() if name not in _ADDRESS_LIMITS}


def _trimmed(field: str, text: str | None) -> str | None:
    return None if text is None else _plain(field, text)


def _plain(field: str, text: str) -> str:
    """The text without blanks around it. Characters that nobody sees are refused, not dropped: they hide something."""
    trimmed = text.strip()
    if clean(trimmed, len(trimmed)) != trimmed:
        raise InvalidArgument(f"{field} has invisible characters.", hint="Type it plainly.", field=field)
    return trimmed


TOOLS = (update_customer,)
