"""The hub: its parts, built and joined. Reads as a parts list, decides nothing."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from functools import partial
from typing import Any

import orjson
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import Receive, Scope, Send

from tradepost.agents.conversations.build import Agents
from tradepost.api.build import SHOPPERS, build_api, rest_at
from tradepost.api.mcp_registry import McpRegistry
from tradepost.api.parts import Parts as ApiParts
from tradepost.api.widget.door import PATH as WIDGET_PATH
from tradepost.api.widget.door import Widget
from tradepost.app.answering import build_agents
from tradepost.app.behind import Behind
from tradepost.app.configured import hosts_of, mailer_of, marks_of, origins_of, pace_of, workspace_ids
from tradepost.app.conversing import join_conversations
from tradepost.app.shop import Shop
from tradepost.commerce.outbound.opening import open_ports
from tradepost.commerce.store.models import StoreEvent
from tradepost.dashboard.build import build_dashboard
from tradepost.database.engine import Database
from tradepost.database.following import OutboxFollower
from tradepost.foundation.errors import TradepostError
from tradepost.hub.access.authenticate import Authenticator
from tradepost.hub.access.oauth.resources import REST, Resources
from tradepost.hub.access.oauth.scopes import BASE
from tradepost.hub.access.second_factor import SecondFactors
from tradepost.hub.access.signed_in import SignedInPeople
from tradepost.hub.access.workspaces import list_workspaces
from tradepost.hub.actions.answering import Freshness
from tradepost.hub.audit.seal import Sealer
from tradepost.hub.audit.signing import Signer
from tradepost.hub.audit.upkeep import Upkeep
from tradepost.hub.audit.witness import Witness
from tradepost.hub.audit.writer import AuditWriter
from tradepost.hub.audit.written import JustWritten
from tradepost.hub.events.models import HubEvent
from tradepost.hub.gateway.activity_server import ActivityServer
from tradepost.hub.gateway.assertions import Assertions
from tradepost.hub.gateway.build import BuiltGateway, build_gateway
from tradepost.hub.gateway.holds import Holds
from tradepost.hub.gateway.hub_server import HubServer
from tradepost.hub.gateway.metered_rows import MeteredRows
from tradepost.hub.gateway.metering import Gauges
from tradepost.hub.gateway.rests import Rests
from tradepost.hub.gateway.standing import Standings
from tradepost.hub.gateway.waits import Waits
from tradepost.hub.limits.in_flight import WHOLE, Part
from tradepost.hub.limits.processes import Processes
from tradepost.hub.notices.build import build_notices
from tradepost.hub.registration.build import build_registration
from tradepost.hub.registration.builtin import sync_builtin
from tradepost.hub.registration.configuration.service import Configurations
from tradepost.hub.registration.in_use import InUse
from tradepost.hub.registration.refreshing import Refreshing
from tradepost.hub.registration.registries import Registries
from tradepost.hub.registration.release import release_mark
from tradepost.hub.registration.relisting import Relisting
from tradepost.hub.registration.restoring import Restoring
from tradepost.hub.registry.catalogs import Catalogs
from tradepost.hub.registry.news import RegistryNews
from tradepost.hub.registry.watch import RegistryWatch
from tradepost.hub.registry.whereabouts import whereabouts
from tradepost.hub.telemetry.door import MetricsDoor
from tradepost.hub.telemetry.meters import Meters
from tradepost.hub.telemetry.opening import open_outlets
from tradepost.hub.telemetry.shared import SharedMeters
from tradepost.hub.upstreams.dispatch import Upstreams
from tradepost.hub.upstreams.opening import Opening
from tradepost.hub.upstreams.programs import read_programs
from tradepost.hub.upstreams.watching import Place, Watching
from tradepost.hub.vault.assertion_keys import PUBLISHED_SECONDS, AssertionKeys
from tradepost.hub.vault.vault import Vault
from tradepost.identity.jwks import PATH as JWKS_PATH
from tradepost.identity.jwks import Jwks
from tradepost.identity.oauth.door import build_oauth, oauth_at
from tradepost.identity.oauth.fetching import DocumentFetcher
from tradepost.identity.people.approval_desk import ApprovalDesk
from tradepost.identity.people.build import build_people
from tradepost.protocol.builtin import BuiltinServer
from tradepost.protocol.discovery import ProtocolsDocument, mcp_at
from tradepost.protocol.doors import Door, GuardedDoors
from tradepost.protocol.endpoint import McpEndpoint
from tradepost.protocol.guards import Doorkeeper
from tradepost.protocol.http_pool import HttpPool
from tradepost.protocol.lifespan import serve_lifespan
from tradepost.protocol.peers import Peers
from tradepost.protocol.proxies import TrustedProxies
from tradepost.protocol.updates import Updates
from tradepost.settings import Settings

log = logging.getLogger(__name__)


class Tradepost:
    """A whole hub, as an ASGI application: /mcp, /health and /ready, pages for people, and OAuth. `peers` are the other
    processes that serve the same port, if there are any. Where they are not the usual ones, `people` are those who have
    signed in, `documents` the connections to those who describe OAuth clients, and `agents` makes
    what runs the turns of conversations."""

    def __init__(
        self,
        settings: Settings,
        hub: Database,
        store: Database,
        vault: Vault,
        peers: Peers | None = None,
        people: SignedInPeople | None = None,
        documents: HttpPool | None = None,
        agents: Callable[["Tradepost"], Agents] | None = None,
    ) -> None:
        self.settings = settings
        self.hub = hub
        self.store = store
        self.vault = vault
        self.shop = Shop(store, open_ports(settings.outside))
        self.watch = RegistryWatch(hub)
        self.updates = Updates()
        catalogs, rests = Catalogs(hub, self.watch), Rests(hub, vault.keys)
        part = Part(peers.place, peers.of) if peers is not None else WHOLE
        self.waits = Waits(self.updates, Standings(hub, self.watch).confirm, part)
        self.hub_servers: Sequence[BuiltinServer] = (HubServer(hub, catalogs, self.waits, rests), ActivityServer(hub))
        self.authenticator = Authenticator(hub, self.watch)
        self._join_records()
        self._join_registry()
        meters, assertion_keys = Meters(), vault.assertion_keys()
        self.gateway: BuiltGateway = build_gateway(
            hub,
            catalogs=catalogs,
            upstreams=self.upstreams,
            authenticator=self.authenticator,
            versions=self.watch,
            audit=self.audit,
            secrets=vault.secrets_for("requestState"),
            opening=self.opening,
            assertions=Assertions(assertion_keys, settings.url),
            pace=pace_of(hub, settings),
            holds=Holds(peers.name, is_there=peers.is_there) if peers is not None else None,
            contradicted=self.in_use.contradicted,
            part=part,
            fresh=Freshness(hub, SecondFactors(vault), settings.approval_fresh_minutes),
            meters=meters,
            tracing=self.outlets.tracing,
            rests=rests,
        )
        self.processes = Processes(hub, self.gateway.divide, part)
        parts, databases = self.gateway.pipeline.parts, {"hub": hub, "store": store}
        gauges = Gauges(parts, self.sealer, databases, self.outlets.gauges)
        folder, name = (peers.folder, peers.name) if peers is not None else (None, "")
        self.metrics = SharedMeters(meters, gauges, folder, name, MeteredRows(hub, self.sealer))
        self.followers = (
            OutboxFollower(store, StoreEvent, self.updates.publish, self.updates.wanted),
            OutboxFollower(hub, HubEvent, self.updates.publish, self.updates.wanted),
        )
        self.updates.draw_from(*self.followers)
        self._join_people(people, documents)
        own = partial(build_agents, hub, self.gateway.door, self.registration.guard, settings.model)
        self.conversations = join_conversations(hub, self.gateway, self.updates, agents(self) if agents else own())
        self.configurations = Configurations(hub, vault, self.registration.guard)
        self.registries = Registries(self.registration.guard)
        self.proxies = TrustedProxies(settings.proxy_networks)
        self.endpoint = self._mcp(peers)
        self.doors = self._beside_mcp(vault, assertion_keys)

    def _join_records(self) -> None:
        """What is kept of every call, and where it goes."""
        hub, settings, workspaces = self.hub, self.settings, partial(workspace_ids, self.hub)
        just_written = JustWritten()
        self.audit = AuditWriter(hub, versions=self.watch, just_written=just_written)
        self.sealer = Sealer(hub, just_written=just_written)
        self.signer = Signer(hub, self.vault.audit_keys(), workspaces, Witness(settings.audit_witness))
        self.upkeep = Upkeep(hub, workspaces, self.signer)
        self.outlets = open_outlets(hub, workspaces, settings.outlets)
        self.restoring = Restoring(hub, marks_of(hub, self.store, settings))

    def _join_registry(self) -> None:
        """Servers, and the ways to them."""
        hub, vault, settings = self.hub, self.vault, self.settings
        programs = read_programs(settings.servers_file, settings.allowed_commands)
        self.registration = build_registration(hub, vault, settings.private_networks, programs, url=settings.url)
        self.connections, discovery = self.registration.connections, self.registration.discovery
        self.relisting = Relisting(discovery.relist)
        self.refreshing = Refreshing(hub, discovery.relist, settings.refresh_minutes)
        self.in_use = InUse(hub, discovery.relist)
        self._watch_for_changes()
        self.upstreams = Upstreams({server.slug: server for server in self.bundled}, self.connections, self.watching)
        self.opening = Opening(self.upstreams.open)
        self.keys = vault.holding()
        self.notices = build_notices(hub, vault, self.registration.guard, settings.url, mailer_of(settings))

    def _join_people(self, people: SignedInPeople | None, documents: HttpPool | None) -> None:
        """Those who sign in, approve, and let clients act for them."""
        hub, vault, settings, guard = self.hub, self.vault, self.settings, self.registration.guard
        fresh = timedelta(minutes=settings.approval_fresh_minutes)
        desk = ApprovalDesk(self.gateway.verdicts, fresh, settings.approval_money_by_link)
        connecting = self.registration.connecting
        self.people = build_people(
            hub, vault, guard, settings.url, settings.provider, connecting=connecting, approvals=desk
        )
        self.oauth = build_oauth(
            hub,
            people or self.people.sessions,
            DocumentFetcher(guard, documents),
            settings.url,
            dynamic_secrets=vault.secrets_for("oauthClients") if settings.dynamic_registration else None,
            documents=settings.client_documents,
            public=settings.public_clients,
        )

    def _watch_for_changes(self) -> None:
        """Of servers' resources and lists, and of the registry: for as long as somebody listens."""
        place = Place(self.updates.publish, self.updates.is_waited, partial(whereabouts, self.hub), self.relisting.soon)
        self.watching = Watching(self.connections, place)
        self.in_use.attend(self.connections)
        self.news = RegistryNews(self.watch, self._listened_to, self._registry_changed)
        self.watching.on_first = self.news.begin
        self.updates.lists.draw_from(self.news.begin)
        self.updates.tell_of_topics(self.watching)

    def _mcp(self, peers: Peers | None) -> McpEndpoint:
        return McpEndpoint(
            self.gateway.gateway,
            allowed_hosts=hosts_of(self.settings),
            allowed_origins=origins_of(self.settings),
            resource_metadata_url=Resources(self.settings.url).metadata_url,
            base_scope=BASE,
            updates=self.updates,
            peers=peers,
            limit_lines=self.gateway.gateway.limit_lines,
        )

    def _beside_mcp(self, vault: Vault, assertion_keys: AssertionKeys) -> GuardedDoors:
        """REST, the pages of people, OAuth, and the documents that tell machines where all that is."""
        url = self.settings.url
        spoken = {
            "mcp": mcp_at(url),
            "oauth": oauth_at(url),
            "rest": rest_at(url),
            "caller_assertions": {"jwks_uri": url + JWKS_PATH},
        }
        metadata_url = Resources(url).metadata_url(REST)
        services = self.registration, self.configurations, self.registries
        kept = self.conversations, self.store
        parts = ApiParts(self.hub, vault, self.gateway, *services, self.notices, *kept, metadata_url, url)
        rest = build_api(parts)
        dashboard = build_dashboard(rest, self.gateway.gateway, self.people.sessions, url)
        later = rest.load, self.people.door.load, dashboard.load
        self.behind = Behind(self.shop.start, *later)
        doors: Sequence[Door] = (
            rest,
            Widget(),
            dashboard,
            McpRegistry(parts, url, self.settings.public_registry or None),
            self.people.door,
            self.oauth,
            MetricsDoor(self.metrics.all, self.settings.metrics_token.get_secret_value()),
            Jwks(assertion_keys.published, PUBLISHED_SECONDS),
            ProtocolsDocument(spoken),
        )
        doorkeeper = Doorkeeper(hosts_of(self.settings), origins_of(self.settings))
        for_shops = Doorkeeper(hosts_of(self.settings), (*origins_of(self.settings), *self.settings.shop_origins))
        own = {f"{SHOPPERS}/": for_shops, WIDGET_PATH: for_shops}
        return GuardedDoors(doors, doorkeeper, https=url.startswith("https://"), own=own)

    @property
    def bundled(self) -> list[BuiltinServer]:
        """The servers that come along: the hub's own and the shop's."""
        return [*self.hub_servers, *self.shop.servers]

    def _listened_to(self) -> set[str]:
        """The workspaces whose registry matters to an open stream."""
        return self.watching.workspaces() | set(self.updates.lists.workspaces())

    async def _registry_changed(self, workspace_id: str) -> None:
        self.updates.lists.publish(workspace_id)
        await self.watching.review(workspace_id)

    async def start(self) -> None:
        """Register what the release brings in every workspace, then begin to serve. What cannot begin leaves nothing
        open."""
        try:
            await self._begin()
        except BaseException:
            with suppress(SQLAlchemyError, OSError):  # why it could not begin is said
                await self.stop()
            raise

    async def _begin(self) -> None:
        self.hub.prepare()
        release = await asyncio.to_thread(release_mark)
        for workspace in await list_workspaces(self.hub):
            for slug, difference in (await sync_builtin(self.hub, workspace.id, self.bundled, release)).items():
                if not difference.is_empty:
                    log.info("%s: the bundled server %s changed: %s", workspace.slug, slug, difference.summary())
        for part in (
            self.restoring,
            self.keys,
            self.processes,
            self.watch,
            self.authenticator,
            self.audit,
            self.sealer,
            self.signer,
            self.gateway,
            self.refreshing,
            self.notices.courier,
            self.metrics,
            self.upkeep,
            self.outlets,
            self.conversations,
            self.behind,
        ):
            await part.start()

    def end_streams(self) -> None:
        """Say good-bye to clients that only listen or wait: before the server that carries them stops."""
        self.waits.end()
        self.conversations.end_streams()
        self.endpoint.end_streams()

    async def stop(self) -> None:
        """Finish what is under way, write what waits, close what is open."""
        self.endpoint.end_streams()
        parts = (
            self.conversations,
            self.notices.courier,
            self.metrics,
            self.upkeep,
            self.gateway,
            self.shop,
            self.authenticator,
            self.audit,
            self.sealer,
            self.signer,
            self.outlets,
            self.watch,
            self.processes,
            self.keys,
            self.restoring,
        )
        first = (self.behind, self.opening, self.news, self.relisting, self.refreshing, self.in_use, *self.followers)
        open_until_then = (self.upstreams, self.vault, self.oauth, self.registries, self.hub, self.store)
        # What cannot end well, because the database is away, keeps nothing else from ending, and nothing open.
        async with AsyncExitStack() as ending:
            for used in reversed(open_until_then):
                ending.push_async_callback(used.close)
            for part in reversed((*first, *parts)):
                ending.push_async_callback(part.stop)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = scope["path"]
            if self.endpoint.owns(path):  # what is asked for most
                if self.proxies:
                    self.proxies.look(scope)
                await self.endpoint(scope, receive, send)
            elif path == "/health":
                await _answer(send, 200, {"status": "ok"})
            elif path == "/ready":
                await self._ready(send)
            else:
                await self._answer(path, scope, receive, send)
        elif scope["type"] == "lifespan":
            await serve_lifespan(self.start, self.stop, receive, send)

    async def _answer(self, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        """What is not MCP. It says what is wrong with a path that nobody knows."""
        if self.proxies:
            self.proxies.look(scope)
        door = self.doors.owner(path)
        if door is None:
            await self.endpoint(scope, receive, send)
        else:
            await self.doors.serve(door, scope, receive, send)

    async def _ready(self, send: Send) -> None:
        try:
            await asyncio.gather(self.hub.ping(), self.store.ping())
        except TradepostError as error:
            log.warning("not ready: %s", error.message)
            await _answer(send, 503, {"status": "unavailable"})
        else:
            await _answer(send, 200, {"status": "ready"})


async def _answer(send: Send, status: int, value: Any) -> None:
    body = orjson.dumps(value)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
