"""What a customer looks like to a caller: names cleaned, contact data masked as the caller's scopes ask for, payment
methods without anything that could pay."""

from typing_extensions import TypedDict

from tradepost.commerce.customers.models import Customer, PaymentMethod
from tradepost.commerce.store import privacy
from tradepost.commerce.store.outside import OutsideName
from tradepost.commerce.store.store import Store
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.money import MoneyView, money
from tradepost.foundation.outsiders import clean_name

NAME_CAP = 80
COMPANY_CAP = 60  # long enough for a company, short for a message to whoever reads it


# A way to pay; `balance` for gift cards and store credit only, which may expire. The same fields in every tool.
class PaymentMethodView(TypedDict, total=False):
    id: str
    external_id: str | None
    type: str
    brand: str | None
    last4: str | None
    balance: MoneyView | None
    expires_at: str


# Who the customer is; e-mail and phone are masked without read:customers.pii.
class CustomerBrief(TypedDict, total=False):
    id: str
    number: str
    external_id: str | None
    kind: str
    status: str
    name: OutsideName
    company: OutsideName | None
    email: OutsideName | None
    phone: OutsideName | None
    city: OutsideName
    region: str | None
    language: str
    last_contact_at: str | None
    version: int


def full_name(customer: Customer) -> str:
    """First and last name, cleaned."""
    return clean_name(f"{customer.first_name} {customer.last_name}".strip(), NAME_CAP, "a customer's name")


def company_name(customer: Customer) -> str | None:
    """The company, cleaned and short: buyers type it themselves."""
    return None if customer.company is None else clean_name(customer.company, COMPANY_CAP, "a company's name")


def customer_brief(store: Store, customer: Customer) -> CustomerBrief:
    """A customer in a list."""
    return {
        "id": customer.id,
        "number": customer.number,
        "external_id": customer.external_id,
        "kind": customer.kind,
        "status": customer.status,
        "name": full_name(customer),
        "company": company_name(customer),
        "email": privacy.email(store.caller, customer.email),
        "phone": privacy.phone(store.caller, customer.phone),
        "city": clean_name(str(customer.address.get("city") or ""), NAME_CAP, "an address"),
        "region": customer.region,
        "language": customer.language,
        "last_contact_at": to_rfc3339(customer.last_contact_at) if customer.last_contact_at else None,
        "version": customer.version,
    }


def payment_method_view(method: PaymentMethod) -> PaymentMethodView:
    """A payment method as the customer would name it."""
    view: PaymentMethodView = {
        "id": method.id,
        "external_id": method.external_id,
        "type": method.type,
        "brand": method.brand,
        "last4": method.last4,
        "balance": money(method.balance_minor, method.currency) if method.balance_minor is not None else None,
    }
    if method.expires_at is not None:
        view["expires_at"] = to_rfc3339(method.expires_at)
    return view
