"""A person's consent: what a client asked for is kept while they look at the page, once only and for their browser
session alone; their yes becomes a grant and a code, and is remembered until the client asks for more or changes where
it sends people."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import Now
from tradepost.foundation.ids import handle, new_id
from tradepost.hub.access.agents import list_agents
from tradepost.hub.access.changes import record_change
from tradepost.hub.access.models import Agent
from tradepost.hub.access.oauth.clients import Client
from tradepost.hub.access.oauth.models import OAuthApproval, OAuthCode, OAuthGrant, OAuthRequest, OAuthToken
from tradepost.hub.access.oauth.redirects import is_certain
from tradepost.hub.access.oauth.scopes import BASE, grantable, is_open
from tradepost.hub.access.oauth.values import CODE, CODE_KEPT, CODE_LIFE, REQUEST_LIFE, new_secret
from tradepost.hub.access.signed_in import SignedIn
from tradepost.hub.access.tokens import digest_of


@dataclass(frozen=True, slots=True)
class Asked:
    """A valid authorization request of a client."""

    client: Client
    redirect_uri: str
    state: str | None
    challenge: str
    resource: str
    scopes: list[str]
    prompt_consent: bool = False


async def keep(session: AsyncSession, person: SignedIn, asked: Asked, now: Now) -> str:
    """Keep a request for the page. Returns the handle for its form."""
    moment = now()
    await session.execute(delete(OAuthRequest).where(OAuthRequest.expires_at < moment))
    row = OAuthRequest(
        id=handle("oar"),
        session_id=person.session_id,
        user_id=person.user_id,
        client_id=asked.client.client_id,
        client_name=asked.client.name,
        redirects_digest=asked.client.redirects_digest,
        redirect_uri=asked.redirect_uri,
        state=asked.state,
        challenge=asked.challenge,
        resource=asked.resource,
        asked=asked.scopes,
        needs_key=asked.client.jwks is not None,
        expires_at=moment + REQUEST_LIFE,
    )
    session.add(row)
    return row.id


async def take(session: AsyncSession, person: SignedIn, request: str, now: Now) -> OAuthRequest | None:
    """What was kept, which is gone then; None for a handle that is unknown, used, expired or of another session."""
    mine = OAuthRequest.id == request, OAuthRequest.session_id == person.session_id
    row = await session.scalar(select(OAuthRequest).where(*mine, OAuthRequest.user_id == person.user_id))
    if row is None:
        return None
    gone = await session.scalar(delete(OAuthRequest).where(*mine).returning(OAuthRequest.id))
    return row if gone is not None and row.expires_at > now() else None


async def agents_for(session: AsyncSession) -> list[Agent]:
    """Whom a person may let a client work as."""
    return [agent for agent in await list_agents(session) if agent.status == "active"]


async def agent_before(session: AsyncSession, person: SignedIn, client_id: str) -> str | None:
    """The agent that the person chose for this client last time."""
    return await session.scalar(
        select(OAuthApproval.agent_id)
        .where(OAuthApproval.user_id == person.user_id, OAuthApproval.client_id == client_id)
        .order_by(OAuthApproval.updated_at.desc())
        .limit(1)
    )


async def remembered(session: AsyncSession, person: SignedIn, asked: Asked) -> tuple[Agent, list[str]] | None:
    """The agent and scopes of a consent that covers this request. None where the person has to be asked: never before,
    for more, with other redirect URIs, or for a client that any program on their machine could pretend to be."""
    if asked.prompt_consent or not (is_certain(asked.redirect_uri) or asked.client.is_confidential):
        return None
    approval = await session.scalar(_approval(person.user_id, asked.client.client_id, asked.resource))
    if approval is None or approval.redirects_digest != asked.client.redirects_digest:
        return None
    if is_open(asked.scopes) and not is_open(approval.asked):
        return None
    agent = await session.scalar(select(Agent).where(Agent.id == approval.agent_id, Agent.status == "active"))
    if agent is None or not set(asked.scopes) - {BASE} <= {*approval.asked, *approval.scopes}:
        return None
    given = set(grantable(asked.scopes, agent.scopes, person.role, changes=True)) & set(approval.scopes)
    return (agent, sorted(given)) if given or is_open(asked.scopes) else None


@dataclass(frozen=True, slots=True)
class Consented:
    """What a yes is about."""

    client_id: str
    client_name: str
    redirects_digest: str
    redirect_uri: str
    challenge: str
    resource: str
    asked: list[str]
    needs_key: bool


async def grant(
    session: AsyncSession, by: Caller, consented: Consented, agent: Agent, scopes: Iterable[str], now: Now
) -> str:
    """Make the grant, remember the consent, and give the code."""
    given, moment = sorted(scopes), now()
    row = OAuthGrant(
        id=new_id("oag"),
        client_id=consented.client_id,
        client_name=consented.client_name,
        user_id=by.user_id,
        agent_id=agent.id,
        scopes=given,
        resource=consented.resource,
        needs_key=consented.needs_key,
    )
    session.add(row)
    await session.flush()
    await _remember(session, by, consented, agent, given)
    await _tidy(session, moment)
    code = new_secret(CODE)
    session.add(
        OAuthCode(
            id=new_id("oac"),
            digest=digest_of(code),
            grant_id=row.id,
            client_id=consented.client_id,
            redirect_uri=consented.redirect_uri,
            challenge=consented.challenge,
            expires_at=moment + CODE_LIFE,
        )
    )
    details = {"client": consented.client_id[:200], "agent": agent.id, "scopes": given, "resource": consented.resource}
    await record_change(session, by, "oauth_grant:made", row.id, details)
    return code


async def _remember(session: AsyncSession, by: Caller, consented: Consented, agent: Agent, scopes: list[str]) -> None:
    approval = await session.scalar(_approval(by.user_id or "", consented.client_id, consented.resource))
    if approval is None:
        approval = OAuthApproval(
            id=new_id("oap"), user_id=by.user_id, client_id=consented.client_id, resource=consented.resource
        )
        session.add(approval)
    approval.redirects_digest, approval.agent_id = consented.redirects_digest, agent.id
    approval.asked, approval.scopes = consented.asked, scopes


async def _tidy(session: AsyncSession, moment: datetime) -> None:
    """What is over for good. A used code is known for a day; a rotated refresh token as long as it would have lived."""
    await session.execute(delete(OAuthCode).where(OAuthCode.expires_at < moment - CODE_KEPT))
    await session.execute(delete(OAuthToken).where(OAuthToken.expires_at < moment))


def _approval(user_id: str, client_id: str, resource: str) -> Select[OAuthApproval]:
    return select(OAuthApproval).where(
        OAuthApproval.user_id == user_id, OAuthApproval.client_id == client_id, OAuthApproval.resource == resource
    )
