"""How the workspace's secrets are kept: never what they are. Keys are rotated on the operator's machine alone."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from tradepost.api.access import Work, may
from tradepost.api.shapes import Shown
from tradepost.hub.vault.sealed_rows import count_by_version

router = APIRouter(tags=["servers"])

Reading = Annotated[Work, Depends(may("admin", "read:servers"))]


class SealedShown(Shown):
    """How many of the workspace's secrets are sealed with a version of the keys."""

    key_version: int
    values: int


class ManagerShown(Shown):
    """A secrets manager to which headers may refer."""

    name: str
    paths: list[str] = Field(description="What the workspace may read there, and whatever is below.")


class VaultShown(Shown):
    """Where the workspace's secrets are."""

    key_version: int = Field(description="The one that seals what is stored from now on.")
    sealed: list[SealedShown]
    managers: list[ManagerShown]


@router.get("/vault", summary="Show how secrets are kept")
async def get_vault(work: Reading) -> VaultShown:
    """Numbers and names, no secret: how much is sealed with which version of the keys, and which secrets managers the
    headers of servers may refer to."""
    vault = work.parts.vault
    async with work.reading() as session:
        counted = await count_by_version(session)
        readable = vault.references.readable(await vault.references.slug(session))
    return VaultShown(
        key_version=vault.keys.sealing,
        sealed=[SealedShown(key_version=number, values=counted[number]) for number in sorted(counted)],
        managers=[ManagerShown(name=name, paths=paths) for name, paths in readable.items()],
    )
