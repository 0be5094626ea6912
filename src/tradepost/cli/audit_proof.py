"""`tradepost audit verify`, `checkpoint` and `signing-key`: the proof that nobody changed the record."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from tradepost.cli import console
from tradepost.cli.session import DataOption, JsonOption, Opened, UserOption, WorkspaceOption, opened, run
from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import system_now, to_rfc3339
from tradepost.foundation.errors import InvalidArgument, StateConflict
from tradepost.hub.access.changes import record_change
from tradepost.hub.access.roles import require_role
from tradepost.hub.audit import offline
from tradepost.hub.audit.seal import Sealer
from tradepost.hub.audit.signed import Trust
from tradepost.hub.audit.signing import Signer
from tradepost.hub.audit.statement import public_key
from tradepost.hub.audit.verify import Verification, verify
from tradepost.hub.audit.witness import Witness
from tradepost.hub.registration.build import open_secrets
from tradepost.hub.vault.audit_keys import AuditKeys

FileOption = Annotated[Path | None, typer.Option("--export", help="Check this export instead, without a database.")]


def add_to(audit: typer.Typer) -> None:
    audit.command("verify")(verify_command)
    audit.command("checkpoint")(checkpoint)
    audit.command("signing-key")(signing_key)


@asynccontextmanager
async def signing(
    data: Path | None, workspace: str | None, by: str | None = None
) -> AsyncIterator[tuple[Opened, Caller, Signer, AuditKeys]]:
    """The hub's database alone, and what signs with the vault's keys. Raises SetupError without them."""
    async with opened(data, needs_store=False) as found:
        caller = await found.acting(workspace, by)
        vault = await open_secrets(found.hub, found.settings.keys, found.settings.secret_managers_file)
        try:
            keys = vault.audit_keys()
            yield found, caller, Signer(found.hub, keys, witness=Witness(found.settings.audit_witness)), keys
        finally:
            await vault.close()


async def sign_all(found: Opened, workspace_id: str) -> None:
    """Seal and sign what there is. Raises SetupError without the vault's keys, Unavailable for a chain that was
    changed."""
    vault = await open_secrets(found.hub, found.settings.keys, found.settings.secret_managers_file)
    try:
        await Sealer(found.hub).seal()
        await Signer(found.hub, vault.audit_keys(), witness=Witness(found.settings.audit_witness)).sign(workspace_id)
    finally:
        await vault.close()


def verify_command(
    head: Annotated[
        str | None,
        typer.Option("--expect-head", "--head", help="A hash noted earlier that must still be in the chain."),
    ] = None,
    key: Annotated[
        list[str] | None, typer.Option(help="A public key noted earlier; whatever is signed must be by one of these.")
    ] = None,
    export: FileOption = None,
    proof: Annotated[Path | None, typer.Option(help="The proof that was written with the export.")] = None,
    workspace: WorkspaceOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Recompute the chain: nothing changed, removed or slipped in, all as it was signed. Exit status 1 when it is
    broken."""
    keys = frozenset(key) if key else None
    if export is not None or proof is not None:
        run(lambda: _check_files(export, proof, keys, as_json=as_json))
        return

    async def work() -> None:
        async with trusting(data, workspace, keys) as (hub, workspace_id, trust):
            result = await verify(hub, workspace_id, head, trust)  # before anything new is sealed
            new = result.unsealed
            if result.intact and new:
                await Sealer(hub).seal()
                result = await verify(hub, workspace_id, head, trust)
        _say(result, new, as_json=as_json)

    run(work)


@asynccontextmanager
async def trusting(
    data: Path | None, workspace: str | None, keys: frozenset[str] | None
) -> AsyncIterator[tuple[Database, str, Trust]]:
    """The hub's database, a workspace, and whose signatures count there: with `keys` theirs, and the vault stays
    closed."""
    if keys is None:
        async with signing(data, workspace) as (found, caller, signer, _):
            yield found.hub, caller.workspace_id, await signer.trust(caller.workspace_id)
        return
    async with opened(data, needs_store=False) as found:
        caller = await found.acting(workspace)
        kept = Witness(found.settings.audit_witness).kept(caller.workspace_id)
        yield found.hub, caller.workspace_id, Trust(keys, kept)


async def _check_files(export: Path | None, proof: Path | None, keys: frozenset[str] | None, *, as_json: bool) -> None:
    if export is None or proof is None:
        raise InvalidArgument(
            "--export and --proof belong together.", hint="`tradepost audit export FILE --proof FILE` writes both."
        )
    with export.open("rb") as rows, proof.open("rb") as lines:
        found = offline.check(rows, lines, keys)
    if as_json:
        shape = asdict(found) | {"intact": found.reason is None}
        console.show_json(shape | {"signed_at": None if found.signed_at is None else to_rfc3339(found.signed_at)})
    elif found.reason is None and found.signed_at is not None:
        console.say(f"Intact: {found.rows} rows of the export, from {found.first} on, as the chain had them.")
        console.say(f"Signed up to {found.signed_position} at {to_rfc3339(found.signed_at)} with {found.key}")
        if keys is None:
            console.say("Compare this key with the one that `tradepost audit signing-key` showed, or give it as --key.")
    if found.reason is not None:
        raise StateConflict(
            f"The export is not what was signed, at row {found.broken_at}: {found.reason}",
            hint="Compare it with the database, and find out who could change the file.",
        )


def _say(result: Verification, new: int, *, as_json: bool) -> None:
    if as_json:
        at = None if result.signed_at is None else to_rfc3339(result.signed_at)
        console.show_json({"intact": result.intact} | asdict(result) | {"signed_at": at})
    elif result.intact:
        sealed = f", {new} of them sealed just now" if new else ""
        behind = f" behind the checkpoint at {result.from_position}" if result.from_position else ""
        console.say(f"Intact: {result.checked} rows{behind}{sealed}. Head: {result.head}")
        if result.signed_at is None:
            console.say("Nothing is signed yet: the hub signs once a minute, and `tradepost audit checkpoint` at once.")
        else:
            console.say(f"Signed up to {result.signed_position} at {to_rfc3339(result.signed_at)} with {result.key}")
        console.say("Note the head elsewhere: with --expect-head it also proves that nothing was cut off the end.")
    if not result.intact:
        raise StateConflict(
            f"The chain is broken at row {result.broken_at}: {result.reason}",
            hint="Compare with an export made before; find out who can write to the database.",
        )


def checkpoint(workspace: WorkspaceOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Verify the chain, sign it and print its head, to be kept where nobody who can write to the database can write."""

    async def work() -> None:
        async with signing(data, workspace) as (found, caller, signer, _):
            slug = (await found.workspace(workspace)).slug
            await Sealer(found.hub).seal()
            result = await verify(found.hub, caller.workspace_id, trust=await signer.trust(caller.workspace_id))
            if not result.intact:
                raise StateConflict(
                    f"The chain is broken at row {result.broken_at}: {result.reason}", hint="`tradepost audit verify`."
                )
            signed = await signer.sign(caller.workspace_id)
        if as_json:
            shape: dict[str, Any] = {"workspace": slug, "position": result.position, "head": result.head}
            statement = None if signed is None else signed.as_plain()
            console.show_json(shape | {"at": to_rfc3339(system_now()), "statement": statement})
        else:
            console.say(result.head)

    run(work)


def signing_key(
    new: Annotated[bool, typer.Option("--new", help="Make another key, which signs from now on.")] = False,
    workspace: WorkspaceOption = None,
    by: UserOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """The public key of the audit's signatures, to be noted elsewhere: with it anybody can check them."""

    async def work() -> None:
        async with signing(data, workspace, by) as (found, caller, signer, keys):
            if new:
                async with found.hub.transaction(caller.workspace_id, write=True) as session:
                    await require_role(session, caller, "owner")
                    made = await keys.replace(session)
                    await record_change(session, caller, "audit:signing_key_made", made)
            signs = public_key(await keys.signing(caller.workspace_id))
            await Sealer(found.hub).seal()
            await signer.sign(caller.workspace_id)  # a key that signed nothing looks like one whose statements are gone
            known = await keys.public(caller.workspace_id)
        if as_json:
            console.show_json({"signing": signs, "keys": known})
        else:
            console.say(signs)

    run(work)
