"""What is signed: a chain that was computed anew, cut off or stripped of its signatures is found; and an export is
checked with its proof and a public key alone."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select, text

from tests.hub.audit.test_prune import BY
from tests.hub.audit.test_seal import ODD, spoil, write
from tradepost.database.engine import Database
from tradepost.foundation.clock import system_now
from tradepost.foundation.errors import InvalidArgument, SetupError, Unavailable
from tradepost.hub.audit.chain import FIRST, chain_hash
from tradepost.hub.audit.fact import AuditFact
from tradepost.hub.audit.masking import as_text
from tradepost.hub.audit.models import AuditLink
from tradepost.hub.audit.offline import check
from tradepost.hub.audit.proof import Exported, proof
from tradepost.hub.audit.prune import prune
from tradepost.hub.audit.read import export
from tradepost.hub.audit.seal import Sealer
from tradepost.hub.audit.signed import Trust
from tradepost.hub.audit.signing import Signer
from tradepost.hub.audit.statement import public_key
from tradepost.hub.audit.verify import Verification, verify
from tradepost.hub.audit.witness import Witness
from tradepost.hub.audit.written_out import json_line
from tradepost.hub.vault.audit_keys import AuditKeys
from tradepost.hub.vault.key_source import FileKeys
from tradepost.hub.vault.vault import open_vault

WS = "ws_1"


class Signing:
    """A hub that signs, and what was kept of it."""

    def __init__(self, database: Database, keys: AuditKeys, folder: Path) -> None:
        self.database = database
        self.keys = keys
        self.witness = Witness(folder)
        self.signer = Signer(database, keys, witness=self.witness)

    async def more(self, count: int = 3) -> None:
        await write(self.database, count)
        await Sealer(self.database).seal()
        await self.signer.sign(WS)

    async def verified(self, *, kept: bool = False) -> Verification:
        trust = await self.signer.trust(WS)
        return await verify(self.database, WS, trust=trust if kept else replace(trust, kept=None))


@pytest.fixture
async def signing(database: Database, tmp_path: Path) -> Signing:
    vault = await open_vault(database, FileKeys(tmp_path / "vault.key"))
    return Signing(database, vault.audit_keys(), tmp_path / "audit-signed")


async def computed_anew(database: Database) -> None:
    """What whoever can write to the database does to hide that a row was changed: new hashes for all."""
    before = FIRST
    async with database.transaction(WS, write=False) as session:
        links = (await session.scalars(select(AuditLink).order_by(AuditLink.position))).all()
    for link in links:
        row = "sha256:" + "7" * 64 if link.position == 2 else link.row_hash
        before = chain_hash(before, link.position, row)
        await spoil(
            database,
            f"UPDATE audit_links SET row_hash = '{row}', chain_hash = '{before}' WHERE position = {link.position}",
        )


async def test_what_is_signed_is_verified_and_nothing_is_signed_twice(signing: Signing):
    await signing.more()
    await signing.more()
    first = await signing.verified(kept=True)
    assert (first.intact, first.checked, first.signed_position) == (True, 6, 6)
    assert first.key == public_key(await signing.keys.signing(WS))
    again = await signing.signer.sign(WS)
    assert again is not None
    assert (again.position, again.previous) == (6, 3)
    assert again == signing.witness.kept(WS)
    other = Ed25519PrivateKey.generate()
    strange = await verify(signing.database, WS, trust=Trust(frozenset([public_key(other)])))
    assert "another key" in (strange.reason or "")


SPOILED = {
    "a statement moved": "UPDATE audit_signatures SET position = 4 WHERE position = 3",
    "its hash": "UPDATE audit_signatures SET chain_hash = 'sha256:0' WHERE position = 3",
    "its time": "UPDATE audit_signatures SET signed_at = '2020-01-01 00:00:00.000000' WHERE position = 3",
    "its signature": "UPDATE audit_signatures SET signature = 'AAAA' WHERE position = 6",
    "no signature": "UPDATE audit_signatures SET signature = '' WHERE position = 6",
    "its key": "UPDATE audit_signatures SET key = 'AAAA' WHERE position = 6",
    "what it names": "UPDATE audit_signatures SET previous = 1 WHERE position = 3",
    "one removed": "DELETE FROM audit_signatures WHERE position = 3",
    "the first removed": "DELETE FROM audit_signatures WHERE position = 2",
    "all removed": "DELETE FROM audit_signatures",
    "the end cut off": "DELETE FROM audit_links WHERE position > 4",
}


@pytest.mark.parametrize("statement", SPOILED.values(), ids=SPOILED.keys())
async def test_changed_and_removed_statements_are_found(signing: Signing, statement: str):
    for count in (2, 1, 3):
        await signing.more(count)
    assert (await signing.verified()).intact
    await spoil(signing.database, statement)
    found = await signing.verified()
    assert not found.intact
    assert found.reason
    with_witness = await signing.verified(kept=True)
    assert not with_witness.intact


async def test_a_chain_computed_anew_is_found_and_never_signed(signing: Signing):
    await signing.more()
    await write(signing.database, 2)
    await Sealer(signing.database).seal()
    await computed_anew(signing.database)
    found = await verify(signing.database, WS)
    assert found.reason == f"the row {await _id_at(signing.database, 2)} was changed"
    with pytest.raises(Unavailable, match="contradicts"):
        await signing.signer.sign(WS)
    await spoil(signing.database, "DELETE FROM audit_signatures")
    with pytest.raises(Unavailable, match="no longer in the database"):
        await signing.signer.sign(WS)


async def _id_at(database: Database, position: int) -> str:
    async with database.transaction(WS, write=False) as session:
        return (await session.scalars(select(AuditLink.id).where(AuditLink.position == position))).one()


async def test_the_end_cut_off_with_its_statements_is_found_by_what_was_kept_elsewhere(signing: Signing):
    await signing.more()
    await signing.more()
    for table in ("audit_links", "audit_signatures"):
        await spoil(signing.database, f"DELETE FROM {table} WHERE position > 3")
    await spoil(signing.database, "DELETE FROM audit_events WHERE id NOT IN (SELECT id FROM audit_links)")
    assert (await signing.verified()).intact  # nothing in the database speaks of them
    found = await signing.verified(kept=True)
    assert "signed at" in (found.reason or "")
    with pytest.raises(Unavailable, match="contradicts"):
        await signing.signer.sign(WS)


async def test_checkpoints_are_signed_and_statements_behind_them_go(signing: Signing):
    await signing.more()
    await signing.more()
    await write(signing.database, 1)
    gone = await prune(signing.database, BY, system_now(), system_now(), signing.signer)
    assert gone is not None
    assert gone.position == 7
    await signing.more(2)
    found = await signing.verified(kept=True)
    assert (found.intact, found.reason, found.from_position, found.signed_position) == (True, None, 7, 10)
    async with signing.database.transaction(WS, write=False) as session:
        left = await session.execute(text("SELECT position FROM audit_signatures ORDER BY position"))
        assert left.scalars().all() == [6, 8, 10]
    for change in ("rows = 1", "made_by = 'me'", "signature = NULL, key = NULL", "first_at = last_at"):
        async with signing.database.transaction(WS, write=False) as session:
            before = (await session.execute(text("SELECT rows, made_by, signature, key FROM audit_checkpoints"))).one()
        await spoil(signing.database, f"UPDATE audit_checkpoints SET {change}")
        assert not (await signing.verified()).intact, change
        values = ", ".join(
            f"{name} = {value!r}" for name, value in zip(("rows", "made_by", "signature", "key"), before, strict=True)
        )
        await spoil(signing.database, f"UPDATE audit_checkpoints SET {values}")


async def test_a_key_that_is_replaced_still_counts(signing: Signing):
    await signing.more()
    async with signing.database.transaction(WS, write=True) as session:
        made = await signing.keys.replace(session)
    await signing.more()
    found = await signing.verified(kept=True)
    assert (found.intact, found.key) == (True, made)
    assert await signing.keys.public(WS) != [made]


async def exported(signing: Signing, tmp_path: Path, first: int | None = None) -> tuple[list[bytes], list[bytes]]:
    rows, positions = [], Exported()
    async for block in export(signing.database, WS, exported=positions):
        rows += block.data.splitlines(keepends=True)
    lines = []
    async for part in proof(signing.database, WS, first or positions.first, positions.last, positions):
        lines += part.splitlines(keepends=True)
    return rows, lines


def changed(lines: list[bytes], number: int, **values: Any) -> list[bytes]:
    row = json.loads(lines[number]) | values
    return [*lines[:number], json_line(row), *lines[number + 1 :]]


Change = Callable[[list[bytes]], list[bytes]]
ROWS: dict[str, Change] = {
    "a row removed": lambda rows: rows[:2] + rows[3:],
    "the end cut off": lambda rows: rows[:-2],
    "a row twice": lambda rows: [*rows[:3], rows[2], *rows[3:]],
    "the last twice": lambda rows: [*rows, rows[-1]],
    "a row added": lambda rows: [*rows, changed(rows, 0, position=99, id="aud_x")[0]],
    "a column added": lambda rows: changed(rows, 2, remark="nothing"),
    "two changed places": lambda rows: changed(changed(rows, 1, position=3), 2, position=2),
    "its link": lambda rows: changed(rows, 2, chain_hash="sha256:0"),
    "arguments that are none": lambda rows: changed(rows, 2, arguments=[1]),
}


async def test_an_export_is_checked_far_from_the_database(signing: Signing, tmp_path: Path):
    async with signing.database.transaction(WS, write=True) as session:
        for number, values in enumerate(ODD):
            fact = AuditFact(WS, "read", "tool:call", f"req_{number}", "agent_key", "key_1", **values)
            large = {"b": 123456789012345678901234567890, "half": "\ud800"} if number % 2 else {}
            kept = {"arguments": as_text({"a": 1e16, "é": "x", "z": 0.1, **large}), "result_bytes": 7}
            session.add(fact._replace(**kept).as_row(system_now()))
    await signing.more()
    rows, lines = await exported(signing, tmp_path)
    keys = frozenset(await signing.keys.public(WS))
    found = check(rows, lines, keys)
    assert (found.reason, found.rows, found.others, found.signed_position) == (None, 7, 0, 7)
    assert check(rows[::-1], lines, keys).reason is None  # whatever the order of the lines
    for name, change in ROWS.items():
        assert check(change(rows), lines, keys).reason, name
    for column in json.loads(rows[0]):
        if column in ("workspace_id", "position"):
            with pytest.raises(InvalidArgument):
                check(changed(rows, 2, **{column: None}), lines, keys)
        else:
            assert check(changed(rows, 2, **{column: "x"}), lines, keys).reason, column
    assert "another key" in (check(rows, lines, frozenset(["x"])).reason or "")
    assert "not signed" in (check(rows, lines[:-1], keys).reason or "")
    with pytest.raises(InvalidArgument, match="no proof"):
        check(rows, rows, keys)
    with pytest.raises(InvalidArgument, match="line 1"):
        check([b"{\n"], lines, keys)

    part, partly = [rows[1], rows[4]], Exported()
    partly.add([2, 5])
    some = [line async for block in proof(signing.database, WS, 2, 5, partly) for line in block.splitlines(True)]
    found = check(part, some, keys)
    assert (found.reason, found.rows, found.others, found.first, found.position) == (None, 2, 4, 2, 7)
    assert check(changed(part, 1, tool="refund"), some, keys).reason


async def test_a_witness_that_is_something_else_is_said(signing: Signing):
    await signing.more()
    path = signing.witness.path(WS)
    signed = orjson.loads(path.read_bytes())
    path.write_bytes(orjson.dumps(signed | {"position": 2}))
    assert not (await signing.verified(kept=True)).intact
    path.write_bytes(b"{}")
    with pytest.raises(SetupError, match="does not hold"):
        await signing.verified(kept=True)
