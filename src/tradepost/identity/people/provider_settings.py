"""What the operator says about the identity provider."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """An identity provider (OpenID Connect) of the operator's choice. People with an address in one of the `domains`
    get in without an invitation, as viewers of `workspace` (the only one where it is empty)."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    name: str
    domains: tuple[str, ...]
    workspace: str
