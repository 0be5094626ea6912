"""Every table of the store, imported in one place so that its metadata is whole."""

from tradepost.commerce.billing import models as billing
from tradepost.commerce.catalog import models as catalog
from tradepost.commerce.claims import models as claims
from tradepost.commerce.customers import models as customers
from tradepost.commerce.effects import models as effects
from tradepost.commerce.inventory import models as inventory
from tradepost.commerce.logistics import models as logistics
from tradepost.commerce.orders import models as orders
from tradepost.commerce.payments import models as payments
from tradepost.commerce.purchasing import models as purchasing
from tradepost.commerce.returns import models as returns
from tradepost.commerce.store import models as store
from tradepost.commerce.support import models as support
from tradepost.database.base import StoreBase

MODULES = (
    store,
    customers,
    catalog,
    orders,
    inventory,
    purchasing,
    logistics,
    returns,
    claims,
    payments,
    billing,
    support,
    effects,
)
METADATA = StoreBase.metadata
