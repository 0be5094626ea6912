"""Settings fixed at start, from options or TRADEPOST_… variables. What can change while running is in the registry."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from tradepost.commerce.outbound.outside import Outside
from tradepost.foundation.errors import SetupError

Network = IPv4Network | IPv6Network
LOOPBACK = ("127.0.0.0/8", "::1/128")


class Settings(BaseSettings):
    """One running Tradepost.

    `data` holds the SQLite databases, the vault's key file and local keys. `hub_url` and `store_url` are database URLs,
    two files in `data` by default. `workers` is the number of processes that serve the port. `allow_private` are the
    private networks in which servers may be registered, `servers_file` names those that are programs on this machine,
    started with one of the `allowed_commands`. What leaves the shop goes to `mail_url` (smtp, smtps), `sms_url`,
    `carrier_url` and `payments_url` (http, https), and to files under `data` where these are empty. With
    `dynamic_registration` OAuth clients may register themselves, which MCP has deprecated.
    """

    model_config = SettingsConfigDict(env_prefix="TRADEPOST_", extra="forbid")

    data: Path = Path(".tradepost")
    hub_url: str = ""
    store_url: str = ""
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8811
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    public_url: str = ""
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = ()
    allow_private: Annotated[tuple[str, ...], NoDecode] = ()
    servers_file: Path | None = None
    allowed_commands: Annotated[tuple[str, ...], NoDecode] = ()
    vault_key_file: Path | None = None
    log_level: str = "WARNING"
    mail_url: str = ""
    sms_url: str = ""
    sms_token: SecretStr = SecretStr("")
    carrier_url: str = ""
    carrier_token: SecretStr = SecretStr("")
    payments_url: str = ""
    payments_token: SecretStr = SecretStr("")
    dynamic_registration: bool = False

    @field_validator("allowed_hosts", "allowed_origins", "allow_private", "allowed_commands", mode="before")
    @classmethod
    def _comma_list(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("allow_private")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for part in value:
            ip_network(part)
        return value

    @property
    def hub_database(self) -> str:
        """The URL of the hub's database."""
        return self.hub_url or f"sqlite:///{self.data.resolve() / 'hub.db'}"

    @property
    def store_database(self) -> str:
        """The URL of the store's database."""
        return self.store_url or f"sqlite:///{self.data.resolve() / 'store.db'}"

    @property
    def url(self) -> str:
        """Where clients reach the hub."""
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return (self.public_url or f"http://{shown}:{self.port}").rstrip("/")

    @property
    def private_networks(self) -> tuple[Network, ...]:
        """`allow_private` as networks."""
        return tuple(ip_network(part) for part in self.allow_private)

    @property
    def outside(self) -> Outside:
        """Where effects go."""
        return Outside(
            folder=self.data / "outbound",
            mail_url=self.mail_url,
            sms_url=self.sms_url,
            sms_token=self.sms_token.get_secret_value(),
            carrier_url=self.carrier_url,
            carrier_token=self.carrier_token.get_secret_value(),
            payments_url=self.payments_url,
            payments_token=self.payments_token.get_secret_value(),
        )

    @property
    def key_file(self) -> Path:
        """The vault's key ring."""
        return self.vault_key_file or self.data / "vault.key"


def load(**given: Any) -> Settings:
    """Settings from what was given (None counts as not given) and the environment. Raises SetupError."""
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(part) for part in first["loc"])
        raise SetupError(
            f"The setting {name} is wrong: {first['msg']}.",
            hint=f"Mend the option or the variable TRADEPOST_{name.upper()}.",
        ) from None
