"""The operator's file of secrets managers: which there are, with which credentials, and what each workspace may read.

    {"managers": {"vault": {"kind": "vault", "url": "https://vault.example.com",
                            "role_id": "…", "secret_id": "${VAULT_SECRET_ID}",
                            "allow": {"*": ["kv/tradepost/{workspace}"]}}}}

The hub reads with its own rights, so a workspace gets what `allow` says and no more: paths that begin with these
segments. Without `allow`, nobody gets anything.
"""

import os
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import SetupError
from tradepost.hub.vault.managers.asking import Asker
from tradepost.hub.vault.managers.aws_signing import AwsCredential
from tradepost.hub.vault.managers.kinds import AwsSecretsManager, HashicorpVault, Infisical, Manager
from tradepost.protocol.http_request import read_http_url

EVERYBODY = "*"
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_URL = re.compile(r"https?://[A-Za-z0-9.\[\]:_-]+(/[A-Za-z0-9._~/-]*)?")
_LOCAL = re.compile(r"http://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?(/.*)?")


class _Settings(BaseModel):
    """What all kinds have in common."""

    model_config = ConfigDict(extra="forbid")

    allow: dict[str, list[str]] = Field(default_factory=dict)
    ca_file: Path | None = None
    plain_http: bool = False


class _Infisical(_Settings):
    kind: Literal["infisical"]
    url: str = "https://app.infisical.com"
    client_id: str
    client_secret: SecretStr


class _Vault(_Settings):
    kind: Literal["vault", "openbao"]
    url: str
    token: SecretStr | None = None
    role_id: str = ""
    secret_id: SecretStr = SecretStr("")
    auth_mount: str = Field("approle", pattern=r"^[A-Za-z0-9_/-]+$")
    namespace: str | None = None

    @model_validator(mode="after")
    def _one_way_in(self) -> "_Vault":
        if (self.token is None) == (not self.role_id):
            raise ValueError("give either token, or role_id and secret_id")
        return self


class _Aws(_Settings):
    kind: Literal["aws"]
    region: str = Field(pattern=r"^[a-z0-9-]{1,40}$")
    url: str = ""
    access_key_id: str
    secret_access_key: SecretStr
    session_token: SecretStr | None = None


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    managers: dict[
        Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")],
        Annotated[_Infisical | _Vault | _Aws, Field(discriminator="kind")],
    ]


class Configured:
    """One manager and who may read what there."""

    def __init__(self, manager: Manager, allow: Mapping[str, list[str]]) -> None:
        self.manager = manager
        self._allow = allow

    def prefixes(self, workspace: str) -> list[str]:
        """The paths that a workspace may read, and whatever is below."""
        allowed = [*self._allow.get(EVERYBODY, ()), *self._allow.get(workspace, ())]
        return [prefix.replace("{workspace}", workspace).strip("/") for prefix in allowed]

    def allows(self, workspace: str, path: tuple[str, ...]) -> bool:
        """Whether a workspace may read a path."""
        parts = [tuple(prefix.split("/")) for prefix in self.prefixes(workspace)]
        return any(path[: len(prefix)] == prefix for prefix in parts)


def read_managers(
    file: Path | None,
    environment: Mapping[str, str] = os.environ,
    *,
    clock: Callable[[], float] = time.monotonic,
    now: Now = system_now,
) -> dict[str, Configured]:
    """The managers of the operator's file by name; none without a file. Raises SetupError; no message holds a value."""
    if file is None:
        return {}
    try:
        given = _filled(orjson.loads(file.read_bytes()), environment, file)
        found = _File.model_validate(given)
    except OSError as error:
        raise _wrong(file, f"cannot be read: {error.strerror}") from None
    except orjson.JSONDecodeError as error:
        raise _wrong(file, f"is not JSON: {error.msg} in line {error.lineno}") from None
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        raise _wrong(file, f"is wrong at {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    return {
        name: Configured(_built(name, settings, file, clock, now), _checked_allow(name, settings, file))
        for name, settings in found.managers.items()
    }


def _built(
    name: str, settings: _Infisical | _Vault | _Aws, file: Path, clock: Callable[[], float], now: Now
) -> Manager:
    if isinstance(settings, _Aws):
        url = settings.url or f"https://secretsmanager.{settings.region}.amazonaws.com"
        session = settings.session_token
        credential = AwsCredential(
            settings.access_key_id,
            settings.secret_access_key.get_secret_value(),
            session.get_secret_value() if session is not None else None,
        )
        asker = _asker(name, url, settings, file)
        return AwsSecretsManager(asker, read_http_url(url).authority, settings.region, credential, now)
    asker = _asker(name, settings.url, settings, file)
    if isinstance(settings, _Infisical):
        return Infisical(asker, settings.client_id, settings.client_secret.get_secret_value(), clock)
    return HashicorpVault(
        asker,
        clock,
        token=settings.token.get_secret_value() if settings.token is not None else None,
        role_id=settings.role_id,
        secret_id=settings.secret_id.get_secret_value(),
        auth_mount=settings.auth_mount.strip("/"),
        namespace=settings.namespace,
    )


def _asker(name: str, url: str, settings: _Settings, file: Path) -> Asker:
    if not _URL.fullmatch(url):
        raise _wrong(file, f"has no URL for '{name}' that can be used", "Write it like https://vault.example.com.")
    if url.startswith("http:") and not (settings.plain_http or _LOCAL.fullmatch(url)):
        raise _wrong(
            file,
            f"would have the secrets of '{name}' travel in clear text",
            "Use an https URL, or say plain_http: true where the network is safe.",
        )
    return Asker(name, url, settings.ca_file)


def _checked_allow(name: str, settings: _Settings, file: Path) -> Mapping[str, list[str]]:
    for workspace, prefixes in settings.allow.items():
        for prefix in prefixes:
            segments = prefix.strip("/").split("/")
            if any(segment in ("", ".", "..") for segment in segments):
                raise _wrong(
                    file,
                    f"allows '{workspace}' a path of '{name}' that is none: '{prefix[:100]}'",
                    "Write plain segments, for example kv/tradepost/{workspace}.",
                )
    return settings.allow


def _filled(value: Any, environment: Mapping[str, str], file: Path) -> Any:
    """The value with variables of the environment put in."""
    if isinstance(value, dict):
        return {name: _filled(inner, environment, file) for name, inner in value.items()}
    if not isinstance(value, str):
        return value

    def named(match: re.Match[str]) -> str:
        if match[1] not in environment:
            raise _wrong(file, f"wants the variable {match[1]}, which is not set", "Set it for the hub.")
        return environment[match[1]]

    return _VARIABLE.sub(named, value)


def _wrong(file: Path, what: str, hint: str = "Mend the file that TRADEPOST_SECRET_MANAGERS_FILE names.") -> SetupError:
    return SetupError(f"The file of secrets managers {file} {what}.", hint=hint)
