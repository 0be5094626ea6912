"""The customers of the long history: they join as the years go by, and come back."""

from dataclasses import dataclass
from random import Random

from tradepost.commerce.customers.addresses import keys_of
from tradepost.commerce.customers.models import NAMES, Customer, PaymentMethod
from tradepost.commerce.demo.volume.ground import Ground
from tradepost.commerce.demo.volume.numbers import Numbers
from tradepost.commerce.demo.volume.sheets import DAY, Sheet, When, as_json
from tradepost.commerce.demo.volume.words import COMPANY_KINDS, COMPANY_WORDS, FIRST_NAMES, LAST_NAMES

ORDERS_PER_BUYER = 4
BUSINESS_SHARE = 0.04
TRANSFER_SHARE = 0.12  # of the private ones: they pay by bank transfer, and so does the shop pay them back
PAYPAL_SHARE = 0.2
LOCAL_TOWNS = 2  # towns near enough for the shop's own drivers

_LANGUAGES = {"NL": "nl", "BE": "nl", "FR": "fr", "ES": "es", "DE": "de", "PL": "pl", "IT": "it", "CH": "it"}


@dataclass(slots=True)
class Buyer:
    """A customer as orders need them. `position` counts their orders."""

    id: str
    name: str
    city: str
    shipping_address: str  # ready JSON
    warehouse: int
    is_local: bool
    is_business: bool
    method_id: str
    pays_by_transfer: bool
    position: int = 0


class Buyers:
    """All buyers so far. `join` adds the rows of new ones."""

    def __init__(self, ground: Ground, numbers: Numbers, when: When) -> None:
        self._ground, self._numbers, self._when = ground, numbers, when
        self.known: list[Buyer] = []
        self._names: set[str] = set()

    def new_names(self, sheets: dict[str, Sheet]) -> list[str]:
        """The names among the customers of these sheets that none before them had."""
        places = [sheets["customers"].columns.index(name) for name in NAMES]
        found = {row[place] for row in sheets["customers"].rows for place in places} - {None} - self._names
        self._names |= found
        return sorted(found)

    def sheets(self) -> dict[str, Sheet]:
        """Empty sheets for what `join` writes."""
        workspace_id = self._ground.workspace_id
        return {
            "customers": Sheet(
                Customer,
                workspace_id,
                "id number kind first_name last_name company email email_folded email_domain email_turned "
                "phone address region language group_id marketing_email_consent last_contact_at created_at updated_at",
            ),
            "methods": Sheet(
                PaymentMethod, workspace_id, "id customer_id type brand last4 currency created_at updated_at"
            ),
        }

    def join(self, sheets: dict[str, Sheet], count: int, since: int, chance: Random) -> None:
        """That many new customers, who joined on the day before `since` (seconds since 1970)."""
        for _ in range(count):
            self.known.append(self._new(sheets, since - chance.randrange(DAY), chance))

    def _new(self, sheets: dict[str, Sheet], joined: int, chance: Random) -> Buyer:
        warehouse = chance.randrange(len(self._ground.warehouses))
        place = self._ground.warehouses[warehouse].place
        town = chance.randrange(len(place.towns))
        city, region, postal_code, country = place.towns[town]
        first, last = chance.choice(FIRST_NAMES), chance.choice(LAST_NAMES)
        number, row_id = self._numbers.next("CUST-"), self._numbers.id("cus")
        business = chance.random() < BUSINESS_SHARE
        company = None
        if business:
            company = f"{chance.choice(COMPANY_WORDS)} {chance.choice(COMPANY_KINDS)}"
        address = {
            "line1": f"{chance.choice(place.streets)} {chance.randint(1, 400)}",
            "line2": "",
            "city": city,
            "region": region,
            "postal_code": postal_code,
            "country": country,
        }
        email = f"{first}.{last}.{number[5:]}@example.com".lower()
        at = self._when(joined)
        sheets["customers"].add(
            *(row_id, number, "business" if business else "registered", first, last, company, email, email),
            *keys_of(email),
            f"+31 10 {int(number[5:]) % 10_000_000:07d}",
            *(as_json(address), place.region, _LANGUAGES.get(country, "en")),
            *(self._ground.business_group_id if business else None, chance.random() < 0.5, None, at, at),
        )
        method_id, transfer = self._method(sheets["methods"], row_id, at, chance, business=business)
        name = f"{first} {last}"
        return Buyer(
            row_id,
            name,
            city,
            as_json({**address, "name": name}),
            warehouse,
            town < LOCAL_TOWNS,
            business,
            method_id,
            transfer,
        )

    def _method(self, sheet: Sheet, customer_id: str, at: str, chance: Random, *, business: bool) -> tuple[str, bool]:
        share = chance.random()
        transfer = business or share < TRANSFER_SHARE
        kind = "bank_transfer" if transfer else "paypal" if share > 1 - PAYPAL_SHARE else "credit_card"
        card = kind == "credit_card"
        brand = ("visa", "mastercard")[chance.randrange(2)] if card else None
        last4 = f"{chance.randrange(10_000):04d}" if card else None
        row_id = self._numbers.id("pm")
        sheet.add(row_id, customer_id, kind, brand, last4, self._ground.currency, at, at)
        return row_id, transfer
