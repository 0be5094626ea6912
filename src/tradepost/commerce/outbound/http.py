"""A carrier, payment provider or SMS sender behind a small HTTP service of the shop's own: POST {url}/{kind} with the
request as JSON, `Idempotency-Key` and a bearer token. It answers {"reference": …}; 4xx is a refusal, 408, 409, 425, 429
and 5xx mean later. docs/how-to/connect-the-outside.md has the requests."""

from collections.abc import Mapping
from typing import Any

import httpx2

from tradepost.commerce.outbound.ports import Outcome, Refused, Unreachable

TIMEOUT_SECONDS = 30
LATER = (408, 409, 425, 429)
SAID_CAP = 300


class HttpPort:
    """One such service."""

    def __init__(self, name: str, url: str, token: str) -> None:
        self._name = name
        self._url = url.rstrip("/")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._client = httpx2.AsyncClient(trust_env=False, timeout=TIMEOUT_SECONDS, headers=headers)

    async def send(self, kind: str, key: str, request: Mapping[str, Any]) -> Outcome:
        """See Port.send."""
        try:
            answer = await self._client.post(
                f"{self._url}/{kind}", json=dict(request), headers={"Idempotency-Key": key}, follow_redirects=False
            )
        except httpx2.HTTPError as error:
            raise Unreachable(f"{self._name} cannot be reached: {error or type(error).__name__}") from error
        said = _said(answer)
        if answer.status_code in LATER or answer.status_code >= 500:
            raise Unreachable(f"{self._name} said {answer.status_code}: {said}")
        if answer.status_code >= 300:
            raise Refused(f"{self._name} said {answer.status_code}: {said}")
        return _outcome(answer)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _outcome(answer: httpx2.Response) -> Outcome:
    try:
        value = answer.json()
    except ValueError as error:
        raise Unreachable("The answer is no JSON, so it is not known whether it was done") from error
    return Outcome(value) if isinstance(value, dict) else Outcome()


def _said(answer: httpx2.Response) -> str:
    try:
        value = answer.json()
    except ValueError:
        return answer.text[:SAID_CAP].strip() or "nothing"
    told = value.get("message") or value.get("error") if isinstance(value, dict) else value
    return str(told)[:SAID_CAP]
