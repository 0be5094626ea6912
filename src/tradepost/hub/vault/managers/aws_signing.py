"""AWS Signature Version 4, as far as a POST with a body to one path needs it."""

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class AwsCredential:
    """An access key, with a session's token where it is temporary."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


def signed(
    credential: AwsCredential,
    headers: dict[str, str],
    body: bytes,
    now: datetime,
    *,
    region: str,
    service: str,
    method: str = "POST",
    path: str = "/",
    query: str = "",
) -> dict[str, str]:
    """The headers (`host` among them, names in lower case) with time and signature. `query` is canonical already."""
    moment = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    given = {**headers, "x-amz-date": moment}
    if credential.session_token is not None:
        given["x-amz-security-token"] = credential.session_token
    names = sorted(given)
    lines = "".join(f"{name}:{' '.join(given[name].split())}\n" for name in names)
    request = "\n".join([method, path, query, lines, ";".join(names), hashlib.sha256(body).hexdigest()])
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(request.encode()).hexdigest()])
    key = f"AWS4{credential.secret_access_key}".encode()
    for part in (moment[:8], region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    authorization = (
        f"AWS4-HMAC-SHA256 Credential={credential.access_key_id}/{scope}, "
        f"SignedHeaders={';'.join(names)}, Signature={signature}"
    )
    return {**given, "authorization": authorization}
