"""Who is behind a bearer secret: the key of an agent or of the API, or a shopper's token; for access tokens see
`oauth/access_tokens`.

Unknown, malformed, revoked and expired keys cost the same work and get the same sentence. A verified key is remembered
by its hash until the registry version moves (every change of keys, agents, users or workspaces moves it) or it expires,
so the hot path touches no table.
"""

import hmac
import logging
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

from sqlalchemy import and_, bindparam, select, update
from sqlalchemy.exc import SQLAlchemyError

from tradepost.database.engine import Database
from tradepost.database.lookups import Lookup
from tradepost.foundation.caller import NO_ATTRIBUTES, Caller, Principal, Seen
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import Unauthenticated
from tradepost.foundation.rounds import Rounds
from tradepost.hub.access.addresses import Networks, is_within, networks_of
from tradepost.hub.access.changes import ROW_ID, Versions
from tradepost.hub.access.keys import parse_key
from tradepost.hub.access.models import Agent, ApiKey, RegistryVersion, User, Workspace
from tradepost.hub.access.oauth.access_tokens import AccessTokens
from tradepost.hub.access.oauth.values import ACCESS
from tradepost.hub.access.shopper_look_up import look_up_shopper
from tradepost.hub.access.tokens import digest_of
from tradepost.protocol.hosting import Arrival

logger = logging.getLogger(__name__)

MAX_REMEMBERED = 20_000
MAX_BEARER = 512
FLUSH_SECONDS = 30.0
MOST_IN_ONE = 500  # keys in one statement
SHOPPERS = "tpss_"
_NO_PREFIX = "--------"  # no key has it: the lookup of a malformed key costs what any other costs
_NO_DIGEST = "0" * 64

# One statement, so that the version belongs to the very rows that were read.
_KEY = Lookup(
    select(ApiKey, Agent, User, Workspace.status, RegistryVersion.version)
    .join(Workspace, and_(Workspace.workspace_id == ApiKey.workspace_id, Workspace.id == ApiKey.workspace_id))
    .join(
        RegistryVersion,
        and_(RegistryVersion.workspace_id == ApiKey.workspace_id, RegistryVersion.id == bindparam("registry")),
    )
    .outerjoin(Agent, and_(Agent.workspace_id == ApiKey.workspace_id, Agent.id == ApiKey.agent_id))
    .outerjoin(User, and_(User.workspace_id == ApiKey.workspace_id, User.id == ApiKey.user_id))
    .where(ApiKey.prefix == bindparam("prefix")),
    first="all",
)


@dataclass(frozen=True, slots=True)
class _Known:
    caller: Caller
    version: int
    expires_at: datetime | None
    networks: Networks | None


class Authenticator:
    """Turns bearer keys into callers."""

    def __init__(self, database: Database, watch: Versions, now: Now = system_now) -> None:
        self._database = database
        self._watch = watch
        self._now = now
        self._known: dict[str, _Known] = {}
        self._used: dict[str, tuple[str, datetime]] = {}
        self._hashed = "", digest_of("")
        self._tokens = AccessTokens(database, watch, now)
        self._flushing = Rounds("last use of keys", self._flush_once, FLUSH_SECONDS)

    def knows(self, bearer: str) -> bool:
        """Whether this very key or token was verified here before; it may have been revoked since."""
        if bearer.startswith(ACCESS):
            return self._tokens.knows(bearer)
        return self._digest(bearer) in self._known

    def _digest(self, bearer: str) -> str:
        """What is kept of a secret. Whoever asks whether it is known asks for its holder right after."""
        if self._hashed[0] is not bearer:
            self._hashed = bearer, digest_of(bearer[:MAX_BEARER])
        return self._hashed[1]

    def at_hand(self, bearer: str, request_id: str, arrival: Arrival) -> Caller | None:
        """The same as `authenticate`, where nothing has to be asked or waited for: for a key that was verified here
        before. None for everything else. Raises Unauthenticated."""
        if bearer.startswith(ACCESS):
            return None
        looked_at = monotonic()
        known = self._known.get(self._digest(bearer))
        version = None if known is None else self._watch.at_hand(known.caller.workspace_id)
        if known is None or version is None or known.version < version:
            return None
        return self._let_in(known, request_id, arrival, Seen(known.version, looked_at))

    async def authenticate(self, bearer: str, request_id: str, arrival: Arrival | None = None) -> Caller:
        """The caller of one request. A key is good at every path, unless it is bound to addresses; an access token is
        for one. Raises Unauthenticated, the same for every reason."""
        if bearer.startswith(ACCESS):
            return await self._tokens.caller(bearer, request_id, arrival.path if arrival else "")
        digest = self._digest(bearer)
        looked_at = monotonic()
        known = self._known.get(digest)
        version = 0
        if known is not None:
            workspace_id = known.caller.workspace_id
            at_hand = self._watch.at_hand(workspace_id)
            version = await self._watch.version(workspace_id) if at_hand is None else at_hand
        if known is None or known.version < version:
            self._known.pop(digest, None)
            known = await self._look_up(bearer, digest)
        newest = version if known is None else max(known.version, version)
        return self._let_in(known, request_id, arrival, Seen(newest, looked_at))

    def _let_in(self, known: _Known | None, request_id: str, arrival: Arrival | None, seen: Seen) -> Caller:
        now = self._now()
        if (
            known is None
            or (known.expires_at is not None and known.expires_at <= now)
            or (known.networks is not None and not is_within(arrival.client_address if arrival else "", known.networks))
        ):
            raise Unauthenticated(
                "The key is not valid: unknown, expired or revoked.",
                hint="Send a current key as `Authorization: Bearer tp_…`. An admin mints one: `tradepost key mint`.",
            )
        if known.caller.principal.kind != "shopper":
            self._used[known.caller.principal.id] = (known.caller.workspace_id, now)
        return known.caller.for_request(request_id, seen=seen)

    async def start(self) -> None:
        """Begin writing last-used times in the background."""
        self._flushing.start()

    async def stop(self) -> None:
        """Write what is left and stop."""
        await self._flushing.stop()
        await self.flush()

    async def flush(self) -> None:
        """Write when keys were last used, to the second, one statement for those of one second; never on the path of a
        call."""
        used, self._used = self._used, {}
        if not used:
            return
        together: dict[tuple[str, datetime], list[str]] = {}
        for key_id, (workspace_id, moment) in sorted(used.items()):
            together.setdefault((workspace_id, moment.replace(microsecond=0)), []).append(key_id)
        async with self._database.system(write=True) as session:
            for (workspace_id, second), key_ids in together.items():
                for first in range(0, len(key_ids), MOST_IN_ONE):
                    await session.execute(
                        update(ApiKey)
                        .where(ApiKey.workspace_id == workspace_id, ApiKey.id.in_(key_ids[first : first + MOST_IN_ONE]))
                        .values(last_used_at=second, updated_at=ApiKey.updated_at)
                        .execution_options(synchronize_session=False)
                    )

    async def _look_up(self, bearer: str, digest: str) -> _Known | None:
        known = await (self._shopper if bearer.startswith(SHOPPERS) else self._key)(bearer, digest)
        if known is not None:
            if len(self._known) >= MAX_REMEMBERED:
                self._known.clear()
            self._known[digest] = known
        return known

    async def _shopper(self, token: str, digest: str) -> _Known | None:
        async with self._database.system(write=False, quick=True) as session:
            found = await look_up_shopper(session, token[:MAX_BEARER], digest)
        return None if found is None else _Known(*found, networks=None)

    async def _key(self, bearer: str, digest: str) -> _Known | None:
        prefix = parse_key(bearer) if len(bearer) <= MAX_BEARER else None
        async with self._database.system(write=False, quick=True) as session:
            found = await _KEY.rows(session, {"prefix": prefix or _NO_PREFIX, "registry": ROW_ID})
        row = found[0] if found else None
        same = hmac.compare_digest(digest, row[0].digest if row is not None else _NO_DIGEST)
        if row is None or not same:
            return None
        key, agent, user, workspace_status, version = row
        holder = agent if key.kind == "agent_key" else user
        if key.revoked_at is not None or workspace_status != "active" or holder is None or holder.status != "active":
            return None
        return _Known(_caller(key, agent), version, key.expires_at, networks_of(key.allowed_addresses))

    async def _flush_once(self) -> None:
        try:
            await self.flush()
        except SQLAlchemyError:
            logger.warning("last-used times of keys could not be written", exc_info=True)


def _caller(key: ApiKey, agent: Agent | None) -> Caller:
    own = frozenset(key.scopes) if key.scopes is not None else None
    if agent is None:
        return Caller(
            workspace_id=key.workspace_id,
            principal=Principal("api_key", key.id),
            request_id="",
            user_id=key.user_id,
            profile_id=key.profile_id,
            scopes=own or frozenset(),
            attributes=NO_ATTRIBUTES if key.customer is None else {"customer": key.customer},
        )
    granted = frozenset(agent.scopes)
    return Caller(
        workspace_id=key.workspace_id,
        principal=Principal("agent_key", key.id),
        request_id="",
        agent_id=agent.id,
        profile_id=agent.profile_id,
        scopes=granted if own is None else granted & own,
        attributes=NO_ATTRIBUTES if key.customer is None else {"customer": key.customer},
    )
