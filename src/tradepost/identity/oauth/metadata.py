"""The two kinds of metadata documents: what this authorization server can do (RFC 8414), and which one guards an
endpoint (RFC 9728). Any well-formed name of a server is answered alike, so nobody learns which there are."""

from typing import Any

from tradepost.hub.access.oauth.assertions import ALGORITHMS
from tradepost.hub.access.oauth.client_auth import METHODS
from tradepost.hub.access.oauth.resources import Resources, endpoint_of
from tradepost.hub.access.oauth.scopes import BASE

Json = dict[str, Any]


def of_server(resources: Resources, *, registration: bool, documents: bool = True, public: bool = True) -> Json:
    """The authorization server's own; `public` is whether clients without a secret or key are let in, `documents`
    whether they are known by a document about them."""
    at = f"{resources.url}/oauth"
    confidential = [method for method in METHODS if method != "none"]
    methods = list(METHODS) if public else confidential
    document: Json = {
        "issuer": resources.url,
        "authorization_endpoint": f"{at}/authorize",
        "token_endpoint": f"{at}/token",
        "revocation_endpoint": f"{at}/revoke",
        "introspection_endpoint": f"{at}/introspect",
        "scopes_supported": [BASE],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "introspection_endpoint_auth_methods_supported": confidential,
        "introspection_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "authorization_response_iss_parameter_supported": True,
        "client_id_metadata_document_supported": documents,
    }
    return {**document, "registration_endpoint": f"{at}/register"} if registration else document


def of_resource(resources: Resources, path: str) -> Json | None:
    """That of the endpoint at a path; None where there can be none."""
    endpoint = endpoint_of(path)
    if endpoint is None or endpoint != path:
        return None
    return {
        "resource": resources.uri(endpoint),
        "authorization_servers": [resources.url],
        "scopes_supported": [BASE],
        "bearer_methods_supported": ["header"],
        "resource_name": "Tradepost",
    }
