"""Segments of customers."""

from collections.abc import Sequence

from sqlalchemy import func, select
from typing_extensions import TypedDict

from tradepost.commerce.customers.models import Customer, CustomerGroup
from tradepost.commerce.serving.declare import Answer, read_tool
from tradepost.commerce.store.listing import Cursor, Detail, Fields, Limit, Page, found_sentence, page
from tradepost.commerce.store.store import Store
from tradepost.foundation.untrusted import clean


class GroupView(TypedDict, total=False):
    """A group; `price_lists` are those its members buy at."""

    id: str
    name: str
    description: str
    members: int
    businesses: int
    price_lists: list[str]
    version: int


@read_tool(title="List customer groups", scope="read:customers")
async def list_customer_groups(
    store: Store, limit: Limit = 20, cursor: Cursor = None, detail: Detail = "standard", fields: Fields = None
) -> Answer[Page[GroupView]]:
    """List the customer groups of the shop, by name. Use to see which segments there are, how large they are and which
    price lists their members buy at. Not for the members (search_customers) or one customer's group (get_customer).
    Reads only. Returns per group its name, description, number of members and of businesses among them."""

    async def view(rows: Sequence[CustomerGroup]) -> list[GroupView]:
        ids = sorted(row.id for row in rows)
        counts = {
            row.group_id: row
            for row in await store.session.execute(
                select(
                    Customer.group_id,
                    func.count().label("members"),
                    func.count().filter(Customer.kind == "business").label("businesses"),
                )
                .where(Customer.group_id.in_(ids))
                .group_by(Customer.group_id)
            )
        }
        lists = {} if detail == "summary" else await _price_lists(store, ids)
        views: list[GroupView] = []
        for row in rows:
            counted = counts.get(row.id)
            view: GroupView = {"id": row.id, "name": clean(row.name, 80), "members": counted.members if counted else 0}
            if detail != "summary":
                view["description"] = clean(row.description, 300)
                view["businesses"] = counted.businesses if counted else 0
                view["price_lists"] = sorted(lists.get(row.id, []))
                view["version"] = row.version
            views.append(view)
        return views

    order = [CustomerGroup.name, CustomerGroup.id]
    found = await page(
        store, "customer-groups", select(CustomerGroup), order, view, limit=limit, cursor=cursor, fields=fields
    )
    text = found_sentence(found, "customer groups", "The shop has no customer groups.")
    if fields is None:
        text += "".join(f" {item['name']}: {item['members']} members." for item in found["items"][:10])
    return Answer(found, text)


async def _price_lists(store: Store, group_ids: Sequence[str]) -> dict[str, list[str]]:
    """{group id: the price lists that its members buy at}."""
    used = select(Customer.group_id, Customer.price_list_id).where(
        Customer.group_id.in_(group_ids), Customer.price_list_id.is_not(None)
    )
    found: dict[str, list[str]] = {}
    for group_id, price_list in await store.session.execute(used.distinct()):
        found.setdefault(str(group_id), []).append(str(price_list))
    return found


TOOLS = (list_customer_groups,)
