"""What a preview says of the messages that customers get."""

from tradepost.commerce.customers.models import Customer
from tradepost.commerce.store import privacy
from tradepost.commerce.store.store import Store


async def mail_goes_out(store: Store, customer_id: str | None, about: str) -> None:
    """Say that an e-mail about something goes to a customer, with the address as the caller may see it."""
    customer = await store.get(Customer, customer_id)
    if customer is None or not customer.email:
        store.side_effect(f"The customer has no e-mail address: nothing is sent about {about}.")
        return
    address = privacy.email(store.caller, customer.email)
    store.side_effect(f"An e-mail about {about} goes to {address} (customer {customer.number}).")
