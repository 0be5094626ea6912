"""Another key while hubs serve: made, known to all, sealing, and at last the old one retired.

Each step is taken in the database and can be repeated: whoever is interrupted runs the command again, and it goes on.
1. A new version is added to the ring. It opens from now on, and seals nothing yet.
2. Every process that serves has said that it has it. A file is read again by itself; where the keys are in the
   environment, each process has to be started again with the new line, one after the other.
3. It seals. What was sealed before opens as it did, for the old version stays in the ring.
4. Everything sealed is sealed anew, in small batches; once every process seals with the new version, so are the last.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller, Principal
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import StateConflict
from tradepost.foundation.ids import new_id
from tradepost.hub.audit.fact import AuditFact
from tradepost.hub.vault.held_keys import HeldKeys
from tradepost.hub.vault.key_state import KeyState, holders, known, read_state, state_in
from tradepost.hub.vault.keyring import KeyRing, key_line, new_key
from tradepost.hub.vault.models import VaultHolder
from tradepost.hub.vault.sealed_rows import Resealed, reseal

PATIENCE_LOOKS = 60  # a process that has died is not waited for any more after half of them
LOOK_SECONDS = 1.0

Pause = Callable[[float], Awaitable[None]]
Telling = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a run did. `line` is what the operator has to add to the keys before it can go on: nothing was changed yet.
    `broken` are values that do not open with any key."""

    version: int
    resealed: int = 0
    broken: tuple[str, ...] = ()
    line: str | None = None


class Rotation:
    """For the command that rotates. `pause` is how it waits for others."""

    def __init__(self, database: Database, keys: HeldKeys, now: Now = system_now, pause: Pause = asyncio.sleep) -> None:
        self._database = database
        self._keys = keys
        self._now = now
        self._pause = pause

    async def run(self, tell: Telling = lambda _: None) -> Rotated:
        """Go on with a rotation that was interrupted, else begin one. Raises StateConflict where a process does not
        have the new version (then it seals nothing yet) or has not begun to seal with it, SetupError for keys that
        cannot be written."""
        resealed, state = Resealed(), await read_state(self._database)
        version = self._keys.sealing
        if not state.is_unfinished:
            version, line = await self._add()
            if line is not None:
                return Rotated(version, line=line)
            tell(f"Waiting until every process has key version {version}.")
            await self._all(lambda holder: version in holder.numbers, f"does not have key version {version} yet")
            await self._switch(version)
        tell(f"Key version {version} seals. Sealing anew what was sealed with others.")
        await reseal(self._database, self._keys, resealed)
        await self._all(lambda holder: holder.sealing == version, f"does not seal with key version {version} yet")
        await reseal(self._database, self._keys, resealed)
        await self._finish(version, resealed)
        return Rotated(version, resealed.rows.total(), tuple(resealed.broken))

    async def _add(self) -> tuple[int, str | None]:
        """The version to go on with; the line to add to the ring, where we cannot."""
        async with self._database.system(write=True) as session:
            state = await state_in(session, locked=True)
            ring = self._keys.read()
            if ring is None or state.sealing is None or state.contradicts(ring):
                raise StateConflict("The vault's keys were changed at this moment.", hint="Run the command again.")
            live = {number: key for number, key in ring.keys.items() if number not in state.retired}
            version = max(live)
            if version <= state.sealing:
                self._check_not_elsewhere(state, await holders(session, self._now()))
                version, key = max(*state.keys, *ring.keys) + 1, new_key()
                if not self._keys.source.write(KeyRing({**live, version: key})):
                    return version, key_line(version, key)
                live[version] = key
            if version not in state.keys:
                session.add(known(version, live[version], "waiting"))
        self._keys.reload()
        return version, None

    def _check_not_elsewhere(self, state: KeyState, serving: Sequence[VaultHolder]) -> None:
        """A version that others have is not to be made a second time."""
        for number, key in state.keys.items():
            having = [holder.name for holder in serving if number in holder.numbers]
            if key.state == "waiting" and having:
                raise StateConflict(
                    f"{self._keys.source.name} does not have key version {number}, which {having[0]} has.",
                    hint="A rotation was begun there. Give this command the same keys, then run it again.",
                )

    async def _all(self, ready: Callable[[VaultHolder], bool], why: str) -> None:
        """Wait for every process that serves. Raises StateConflict naming those that are not ready."""
        late: list[str] = []
        for _ in range(PATIENCE_LOOKS):
            async with self._database.system(write=False) as session:
                late = [holder.name for holder in await holders(session, self._now()) if not ready(holder)]
            if not late:
                return
            await self._pause(LOOK_SECONDS)
        raise StateConflict(
            f"A hub that serves {why}: {', '.join(late[:5])}.",
            hint="Give it the same keys (TRADEPOST_VAULT_KEYS is read when it starts; a key file is read again by "
            "itself), then run the command again: it goes on from here.",
        )

    async def _switch(self, version: int) -> None:
        async with self._database.system(write=True) as session:
            state = await state_in(session, locked=True)
            for number, key in state.keys.items():
                if number == version:
                    key.state = "sealing"
                elif key.state == "sealing":
                    key.state = "opening"
                elif key.state == "waiting":  # its key was lost before it was used
                    key.state = "retired"
        self._keys.learn(await read_state(self._database))

    async def _finish(self, version: int, resealed: Resealed) -> None:
        """The mark that all is done, with an audit row in each workspace whose secrets were sealed anew."""
        now, operator = self._now(), Principal("operator", "console")
        async with self._database.system(write=True) as session:
            for key in (await state_in(session, locked=True)).keys.values():
                if key.state == "opening" and key.replaced_at is None:
                    key.replaced_at = now
            for workspace_id, count in sorted(resealed.rows.items()):
                by = Caller(workspace_id, operator, new_id("req"))
                details = {"subject": "vault", "key_version": version, "resealed": count}
                session.add(AuditFact.of(by, "admin", "vault:rotated", outcome="ok", details=details).as_row(now))
