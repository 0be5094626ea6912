"""Every table of the hub, imported in one place so that its metadata is whole."""

from tradepost.database.base import HubBase
from tradepost.hub.access import models as access
from tradepost.hub.access import person_models as people
from tradepost.hub.access.oauth import models as oauth
from tradepost.hub.actions import models as actions
from tradepost.hub.audit import models as audit
from tradepost.hub.events import models as events
from tradepost.hub.limits import models as limits
from tradepost.hub.notices import models as notices
from tradepost.hub.policy import models as policy
from tradepost.hub.registry import api_models as apis
from tradepost.hub.registry import models as registry
from tradepost.hub.registry import swap_models as swaps
from tradepost.hub.replays import models as replays
from tradepost.hub.trust import models as trust
from tradepost.hub.upstreams.oauth import models as server_oauth
from tradepost.hub.vault import models as vault

MODULES = (
    access,
    actions,
    apis,
    audit,
    events,
    limits,
    notices,
    oauth,
    people,
    policy,
    registry,
    replays,
    server_oauth,
    swaps,
    trust,
    vault,
)
METADATA = HubBase.metadata
