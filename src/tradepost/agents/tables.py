"""Every table of agents, imported in one place so that the hub's metadata is whole."""

from tradepost.agents.conversations import elsewhere_models as elsewhere
from tradepost.agents.conversations import handover_models as handovers
from tradepost.agents.conversations import models as conversations
from tradepost.agents.setups import models as setups
from tradepost.database.base import HubBase

MODULES = (conversations, elsewhere, handovers, setups)
METADATA = HubBase.metadata
