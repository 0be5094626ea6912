"""Reading an authorization request. What is wrong with client or redirect URI is said on a page of our own; only after
those two are known to be right may anything, an error too, go back to the client."""

from starlette.requests import Request

from tradepost.hub.access.oauth.clients import Client, Clients
from tradepost.hub.access.oauth.consent import Asked
from tradepost.hub.access.oauth.errors import INVALID_REQUEST, UNSUPPORTED_RESPONSE_TYPE, OAuthError
from tradepost.hub.access.oauth.redirects import fault_of, matches
from tradepost.hub.access.oauth.resources import Resources
from tradepost.hub.access.oauth.scopes import read_scopes
from tradepost.hub.access.oauth.values import is_challenge
from tradepost.identity.oauth.parameters import Parameters, query_of

MAX_STATE = 4_096


class NotSent(Exception):
    """An error that goes back to the client: its redirect URI is right."""

    def __init__(self, error: OAuthError, redirect_uri: str, state: str | None) -> None:
        super().__init__(error.message)
        self.error = error
        self.redirect_uri = redirect_uri
        self.state = state


async def read_request(request: Request, clients: Clients, resources: Resources, workspace_id: str) -> Asked:
    """A valid request. Raises OAuthError for the page, NotSent for the client."""
    given = query_of(request)
    client = await clients.find(given.get("client_id"))
    if client.workspace_id not in (None, workspace_id):
        raise OAuthError(INVALID_REQUEST, "There is no such client in your workspace.")
    redirect_uri = given.get("redirect_uri")
    if fault_of(redirect_uri) is not None or not any(matches(own, redirect_uri) for own in client.redirect_uris):
        raise OAuthError(INVALID_REQUEST, "The address to send you back to is not one that the client registered.")
    states = given.all("state")
    state = states[0] if len(states) == 1 else None
    try:
        return _asked(given, client, redirect_uri, state, resources)
    except OAuthError as error:
        raise NotSent(error, redirect_uri, state) from None


def _asked(given: Parameters, client: Client, redirect_uri: str, state: str | None, resources: Resources) -> Asked:
    if set(given.doubled()) - {"resource"}:
        raise OAuthError(INVALID_REQUEST, "A parameter came more than once.")
    if given.get("response_type") != "code":
        raise OAuthError(UNSUPPORTED_RESPONSE_TYPE, "Only response_type=code is served.")
    if given.get("response_mode") not in ("", "query"):
        raise OAuthError(INVALID_REQUEST, "Only response_mode=query is served.")
    for name in ("request", "request_uri"):
        if given.get(name):
            raise OAuthError(f"{name}_not_supported", "Parameters go into the URL, each under its name.")
    if given.get("code_challenge_method") != "S256" or not is_challenge(given.get("code_challenge")):
        raise OAuthError(INVALID_REQUEST, "PKCE is required: code_challenge with code_challenge_method=S256.")
    if state is not None and len(state) > MAX_STATE:
        raise OAuthError(INVALID_REQUEST, "The state is too long.")
    return Asked(
        client=client,
        redirect_uri=redirect_uri,
        state=state,
        challenge=given.get("code_challenge"),
        resource=resources.read(given.all("resource")),
        scopes=read_scopes(given.get("scope")),
        prompt_consent="consent" in given.get("prompt").split(" "),
    )
