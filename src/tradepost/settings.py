"""Settings fixed at start, from options or TRADEPOST_… variables. What can change while running is in the registry."""

from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from tradepost.commerce.outbound.outside import Outside
from tradepost.foundation.errors import SetupError
from tradepost.foundation.networks import Network, read_network
from tradepost.hub.limits.settings import REQUESTS_PER_MINUTE, WRONG_PER_MINUTE
from tradepost.hub.telemetry.opening import Outlets
from tradepost.hub.vault.key_source import EnvironmentKeys, FileKeys, KeySource
from tradepost.identity.people.provider_settings import ProviderSettings

LOOPBACK = ("127.0.0.0/8", "::1/128")


class Tls(NamedTuple):
    """PEM files: a certificate with those that vouch for it, and its key."""

    certificate: Path
    key: Path


class Settings(BaseSettings):
    """One running Tradepost. Lists are written with commas between their parts."""

    model_config = SettingsConfigDict(env_prefix="TRADEPOST_", extra="forbid", use_attribute_docstrings=True)

    data: Path = Path(".tradepost")
    """Folder of the SQLite databases, the vault's key file and local keys."""
    hub_url: str = ""
    """URL of the hub's database; a SQLite file in the data folder without it."""
    store_url: str = ""
    """URL of the store's database; a SQLite file in the data folder without it."""
    host: str = "127.0.0.1"
    """Address to listen on."""
    port: Annotated[int, Field(ge=1, le=65535)] = 8811
    """Port to listen on."""
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    """Processes that serve the port."""
    public_url: str = ""
    """Where clients reach the hub, if that is not host and port."""
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    """Host names the hub answers to, instead of that of its public URL and of this machine."""
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = ()
    """Origins whose web pages may talk to the hub."""
    shop_origins: Annotated[tuple[str, ...], NoDecode] = ()
    """Origins of the shop's own pages, which may reach the chat of customers and nothing else."""
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = ()
    """Networks of proxies whose word for a client's address and scheme is believed."""
    tls_certificate: Path | None = None
    """PEM file of the port's certificate: it speaks HTTPS then."""
    tls_key: Path | None = None
    """PEM file of the certificate's key, without a pass phrase."""
    allow_private: Annotated[tuple[str, ...], NoDecode] = ()
    """Private networks in which servers may be registered."""
    servers_file: Path | None = None
    """File that names servers which are programs on this machine."""
    allowed_commands: Annotated[tuple[str, ...], NoDecode] = ()
    """Commands with which such programs may be started."""
    vault_key_file: Path | None = None
    """The vault's key ring; in the data folder without it."""
    vault_keys: SecretStr = SecretStr("")
    """The vault's key ring itself, instead of a file: a version and a key on each line."""
    secret_managers_file: Path | None = None
    """File that names secrets managers, and what workspaces may read there."""
    address_requests: Annotated[int, Field(ge=1)] = REQUESTS_PER_MINUTE
    """Requests a minute from one network address."""
    address_wrong_credentials: Annotated[int, Field(ge=1)] = WRONG_PER_MINUTE
    """Wrong credentials a minute from one network address; after them none is looked up."""
    refresh_minutes: Annotated[int, Field(ge=0, le=10_080)] = 60
    """Minutes after which the hub looks at a server's tools of its own accord; 0 for never."""
    log_level: str = "WARNING"
    """How much is logged: DEBUG, INFO, WARNING, ERROR."""
    mail_url: str = ""
    """Where mails go (smtp, smtps); files in the data folder without it."""
    sms_url: str = ""
    """Where text messages go (http, https); files without it."""
    sms_token: SecretStr = SecretStr("")
    """Bearer token for the text messages' service."""
    carrier_url: str = ""
    """Where labels are bought (http, https); files without it."""
    carrier_token: SecretStr = SecretStr("")
    """Bearer token for the carrier's service."""
    payments_url: str = ""
    """Where money is moved (http, https); files without it."""
    payments_token: SecretStr = SecretStr("")
    """Bearer token for the payments' service."""
    dynamic_registration: bool = True
    """Whether OAuth clients may register themselves, which MCP has deprecated. Cursor, mcp-remote and others know no
    other way; nothing is stored for it."""
    client_documents: bool = True
    """Whether OAuth clients are known by metadata documents, which are fetched from their makers. Without, Claude Code
    and Codex register themselves: for a hub that cannot reach the internet."""
    public_clients: bool = True
    """Whether OAuth clients without a secret or key are let in, as Claude, Cursor and most programs on people's
    machines are. Without, only those that prove who they are: with a secret, or with keys, in their document too."""
    oidc_issuer: str = ""
    """Identity provider (OpenID Connect) with which people may sign in."""
    oidc_client_id: Annotated[str, Field(validate_default=True)] = ""
    """The hub's client id at the identity provider."""
    oidc_client_secret: SecretStr = SecretStr("")
    """The hub's client secret at the identity provider."""
    oidc_name: str = ""
    """What the button for the identity provider says."""
    oidc_domains: Annotated[tuple[str, ...], NoDecode] = ()
    """Domains of e-mail addresses whose holders need no invitation to look into one workspace."""
    oidc_workspace: str = ""
    """That workspace, by its short name."""
    audit_folder: Path | None = None
    """Folder to which the audit is written as files of JSON lines, beside the database."""
    audit_file_megabytes: Annotated[int, Field(ge=1, le=10_240)] = 64
    """Size after which the next of those files begins."""
    otlp_url: str = ""
    """Collector for OpenTelemetry over HTTP, for example http://127.0.0.1:4318."""
    otlp_headers: SecretStr = SecretStr("")
    """Headers for the collector: NAME=VALUE, with commas between them."""
    otlp_signals: Annotated[tuple[str, ...], NoDecode] = ("traces", "logs")
    """What goes to the collector: traces, logs (the audit), or both."""
    trace_share: Annotated[float, Field(ge=0.0, le=1.0)] = 1.0
    """Which part of the traces that begin here is sent."""
    trace_baggage: bool = False
    """Whether servers that are not bundled get the W3C baggage of clients."""
    log_format: Literal["text", "json"] = "text"
    """How the process writes its log: lines of text, or one JSON object per event."""
    metrics_token: SecretStr = SecretStr("")
    """What Prometheus sends as its bearer token to read /metrics; without it there are no metrics."""
    public_registry: str = ""
    """Workspace, by its short name, whose approved servers everybody may list at /v0.1/servers without a key."""

    model: str = "scripted"
    """Model of agents that name none: anthropic:NAME, openai:NAME, openai:NAME@URL of an endpoint of your own, or
    scripted, which is no language model."""
    notify_mail_url: SecretStr = SecretStr("")
    """Mail account that tells people what waits for them (smtp://user@host:587?from=hub@example.com, smtps)."""
    notify_mail_password: SecretStr = SecretStr("")
    """Password of that account, where it does not stand in the URL."""
    approval_fresh_minutes: Annotated[int, Field(ge=0, le=1_440)] = 10
    """Minutes within which whoever approves a write that moves money has proved who they are; 0 asks nobody."""
    approval_money_by_link: bool = False
    """Whether the link in a mail is enough to approve a write that moves money, without signing in."""

    @field_validator(
        *("allowed_hosts", "allowed_origins", "trusted_proxies", "allow_private", "allowed_commands", "oidc_domains"),
        *("otlp_signals", "shop_origins"),
        mode="before",
    )
    @classmethod
    def _comma_list(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("allow_private", "trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for part in value:
            read_network(part)
        return value

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key belong together: give both or none")
        return self

    @model_validator(mode="after")
    def _one_key_ring(self) -> Self:
        if self.vault_keys.get_secret_value() and self.vault_key_file is not None:
            raise ValueError("vault_keys and vault_key_file exclude each other: the keys come from one place")
        return self

    @field_validator("otlp_signals")
    @classmethod
    def _signals(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or set(value) - {"traces", "logs"}:
            raise ValueError("they are traces and logs")
        return value

    @field_validator("otlp_url")
    @classmethod
    def _collector(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.hostname):
            raise ValueError("it is like http://127.0.0.1:4318")
        return value

    @field_validator("otlp_headers")
    @classmethod
    def _headers(cls, value: SecretStr) -> SecretStr:
        headers_of(value.get_secret_value())
        return value

    @field_validator("oidc_issuer")
    @classmethod
    def _issuer(cls, value: str) -> str:
        if value and not (value.startswith("https://") or _is_here(value)):
            raise ValueError("it begins with https://, except on this machine")
        return value

    @field_validator("oidc_client_id")
    @classmethod
    def _client(cls, value: str, info: ValidationInfo) -> str:
        if bool(value) != bool(info.data.get("oidc_issuer")):
            raise ValueError("the issuer and the client's id go together")
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
        scheme = "http" if self.tls_certificate is None else "https"
        return (self.public_url or f"{scheme}://{shown}:{self.port}").rstrip("/")

    @property
    def origin(self) -> str:
        """What a browser calls the pages of this hub."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def tls(self) -> Tls | None:
        """What the port's HTTPS needs, if it speaks that."""
        if self.tls_certificate is None or self.tls_key is None:
            return None
        return Tls(self.tls_certificate, self.tls_key)

    @property
    def proxy_networks(self) -> tuple[Network, ...]:
        """`trusted_proxies` as networks."""
        return tuple(read_network(part) for part in self.trusted_proxies)

    @property
    def private_networks(self) -> tuple[Network, ...]:
        """`allow_private` as networks."""
        return tuple(read_network(part) for part in self.allow_private)

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
    def outlets(self) -> Outlets:
        """Where traces and the audit go."""
        return Outlets(
            folder=self.audit_folder,
            file_bytes=self.audit_file_megabytes * 2**20,
            otlp_url=self.otlp_url,
            headers=headers_of(self.otlp_headers.get_secret_value()),
            signals=self.otlp_signals,
            share=self.trace_share,
            baggage=self.trace_baggage,
            lock=self.data / "otlp.lock",
        )

    @property
    def provider(self) -> ProviderSettings | None:
        """The identity provider, if there is one."""
        if not self.oidc_issuer:
            return None
        return ProviderSettings(
            issuer=self.oidc_issuer,
            client_id=self.oidc_client_id,
            client_secret=self.oidc_client_secret.get_secret_value(),
            name=self.oidc_name,
            domains=tuple(domain.lower().removeprefix("@") for domain in self.oidc_domains),
            workspace=self.oidc_workspace,
        )

    @property
    def key_file(self) -> Path:
        """The vault's key ring, where it is in a file."""
        return self.vault_key_file or self.data / "vault.key"

    @property
    def audit_witness(self) -> Path:
        """Where the newest signed statements about audits are kept."""
        return self.data.resolve() / "audit-signed"

    @property
    def keys(self) -> KeySource:
        """Where the vault's key ring comes from."""
        given = self.vault_keys.get_secret_value()
        return EnvironmentKeys(given) if given else FileKeys(self.key_file)


def headers_of(text: str) -> dict[str, str]:
    """Headers written as NAME=VALUE with commas between them. Raises ValueError, without what was written."""
    headers = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, sign, value = part.partition("=")
        if not sign or not name.strip():
            raise ValueError("they are written NAME=VALUE, with commas between them")
        headers[name.strip().lower()] = value.strip()
    return headers


def _is_here(url: str) -> bool:
    """Whether a URL without TLS stays on this machine."""
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost")


def load(**given: Any) -> Settings:
    """Settings from what was given (None counts as not given) and the environment. Raises SetupError."""
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(part) for part in first["loc"])
        if not name:
            raise SetupError(f"The settings do not fit: {first['msg']}.") from None
        raise SetupError(
            f"The setting {name} is wrong: {first['msg']}.",
            hint=f"Mend the option or the variable TRADEPOST_{name.upper()}.",
        ) from None
