"""The refusals of OAuth, in the words that its specifications give them."""

from tradepost.foundation.errors import TradepostError

INVALID_REQUEST = "invalid_request"
INVALID_CLIENT = "invalid_client"
INVALID_GRANT = "invalid_grant"
INVALID_SCOPE = "invalid_scope"
INVALID_TARGET = "invalid_target"  # RFC 8707
UNAUTHORIZED_CLIENT = "unauthorized_client"
UNSUPPORTED_GRANT_TYPE = "unsupported_grant_type"
UNSUPPORTED_RESPONSE_TYPE = "unsupported_response_type"
ACCESS_DENIED = "access_denied"
INVALID_REDIRECT_URI = "invalid_redirect_uri"  # RFC 7591
INVALID_CLIENT_METADATA = "invalid_client_metadata"


class OAuthError(TradepostError):
    """`error` is the code of the specification; the message goes out as `error_description`."""

    code = "oauth_error"

    def __init__(
        self, error: str, message: str, *, status: int = 400, retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(message, retry_after_seconds=retry_after_seconds)
        self.error = error
        self.status = status

    def as_body(self) -> dict[str, str]:
        """The JSON of RFC 6749: printable ASCII without quotes and backslashes."""
        said = "".join(c for c in self.message if " " <= c <= "~" and c not in '"\\')
        return {"error": self.error, "error_description": said}


def invalid_client() -> OAuthError:
    """The same for an unknown client, a disabled one, a wrong secret and a missing one."""
    return OAuthError(INVALID_CLIENT, "The client is unknown or did not prove who it is.", status=401)


def invalid_grant() -> OAuthError:
    """The same for an unknown, used, expired or foreign code or token."""
    return OAuthError(INVALID_GRANT, "The code or token is unknown, used, expired, revoked or not this client's.")
