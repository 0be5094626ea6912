"""What goes around a request to a server: headers and `_meta`, as its era wants them.

The credential's own headers are `fixed`: they are sent as they are, once; nothing that goes along takes their place.
"""

from tradepost import __version__
from tradepost.protocol import modern
from tradepost.protocol.client_methods import Prepared
from tradepost.protocol.jsonrpc import Json
from tradepost.protocol.options import Beside
from tradepost.protocol.tasks import REQUIRED

CLIENT_INFO: Json = {"name": "tradepost", "title": "Tradepost", "version": __version__}


class Envelopes:
    """Makes them for one client. `ambient` goes along with every request; what a request brings of the same name goes
    before it. `fixed` are names in lower case."""

    def __init__(self, ambient: Beside, fixed: frozenset[str]) -> None:
        self._fixed = fixed
        self.ambient = self._without_fixed(ambient)

    def modern(self, asked: Prepared) -> tuple[dict[str, str], Json]:
        """Headers and params as the newer era wants them."""
        capabilities = asked.capabilities or {}
        beside = self._beside(asked)
        envelope = {
            **beside.meta,
            **(asked.meta or {}),
            modern.VERSION_META: modern.VERSION,
            modern.CLIENT_INFO_META: CLIENT_INFO,
            modern.CAPABILITIES_META: {**capabilities, **REQUIRED} if asked.tasks else capabilities,
        }
        headers = {"mcp-protocol-version": modern.VERSION, "mcp-method": asked.method, **asked.headers}
        if beside.headers:
            headers = {**beside.headers, **headers}
        return headers, {**asked.params, "_meta": envelope}

    def legacy(self, asked: Prepared, version: str, session_id: str | None) -> tuple[dict[str, str], Json]:
        """Headers and params as the older era wants them."""
        headers = self.legacy_headers(version, session_id)
        if asked.beside is not None:
            headers.update(self._without_fixed(asked.beside).headers)
        return headers, self.with_meta(asked)

    def legacy_headers(self, version: str, session_id: str | None) -> dict[str, str]:
        """Those of every message of a session."""
        headers = {**self.ambient.headers, "mcp-protocol-version": version}
        if session_id is not None:
            headers["mcp-session-id"] = session_id
        return headers

    def with_meta(self, asked: Prepared) -> Json:
        """Params with the `_meta` that goes along, where there is any."""
        meta = asked.meta
        if asked.beside is not None or self.ambient.meta:
            meta = {**self._beside(asked).meta, **(meta or {})}
        return {**asked.params, "_meta": meta} if meta else asked.params

    def _beside(self, asked: Prepared) -> Beside:
        """What goes along with a request: its own, and what goes along with all of them."""
        if asked.beside is None:
            return self.ambient
        own, ambient = self._without_fixed(asked.beside), self.ambient
        return Beside({**ambient.headers, **own.headers}, {**ambient.meta, **own.meta})

    def _without_fixed(self, beside: Beside) -> Beside:
        if self._fixed.isdisjoint(beside.headers):
            return beside
        return Beside({name: v for name, v in beside.headers.items() if name not in self._fixed}, beside.meta)
