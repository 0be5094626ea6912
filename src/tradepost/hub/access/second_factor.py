"""The second factor: codes of an authenticator app (TOTP), each accepted once, and recovery codes for when it is lost.

The app's secret is kept by the vault. A factor counts once a first code has shown that the app has it.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import Protocol

import pyotp
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import InvalidArgument, NotFound, StateConflict
from tradepost.foundation.ids import new_id
from tradepost.hub.access.changes import record_change
from tradepost.hub.access.models import User, Workspace
from tradepost.hub.access.people import check_may_touch, find_user
from tradepost.hub.access.person_models import RecoveryCode, SecondFactor
from tradepost.hub.access.person_sessions import end_sessions_of
from tradepost.hub.access.roles import caller_for_user, require_role

STEP_SECONDS = 30
CODE_DIGITS = 6
DRIFT = 1  # steps that the person's clock may be wrong
RECOVERY_CODES = 10
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is read as another
_GROUPS, _LETTERS = 4, 5  # 99 bits: their plain hash cannot be searched
_NAME = "second factor"


class Secrets(Protocol):
    """Where the apps' secrets are; the vault satisfies it."""

    async def keep(self, session: AsyncSession, owner_id: str, name: str, value: str) -> None: ...

    async def kept(self, session: AsyncSession, owner_id: str, name: str) -> str | None: ...

    async def forget(self, session: AsyncSession, owner_id: str, name: str) -> None: ...


class SecondFactors:
    """Sets factors up and checks their codes, each in the caller's transaction."""

    def __init__(self, kept: Secrets, now: Now = system_now) -> None:
        self._secrets = kept
        self._now = now

    async def has(self, session: AsyncSession, user_id: str) -> bool:
        """Whether the person has a factor that counts."""
        found = select(SecondFactor.id).where(SecondFactor.user_id == user_id, SecondFactor.confirmed_at.is_not(None))
        return await session.scalar(found) is not None

    async def begin(self, session: AsyncSession, user: User, issuer: str) -> str:
        """A new secret, not yet counting. Returns the `otpauth:` address that an app reads. Raises StateConflict."""
        factor = await self._factor(session, user.id)
        if factor is not None and factor.confirmed_at is not None:
            raise StateConflict("You have a second factor.", hint="Take it away before you set up another one.")
        if factor is None:
            session.add(SecondFactor(id=new_id("mfa"), user_id=user.id))
        secret = pyotp.random_base32()
        await self._secrets.keep(session, user.id, _NAME, secret)
        return pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=issuer)

    async def pending(self, session: AsyncSession, user: User, issuer: str) -> str | None:
        """The address of a secret that waits for its first code."""
        factor = await self._factor(session, user.id)
        secret = await self._secrets.kept(session, user.id, _NAME)
        if factor is None or factor.confirmed_at is not None or secret is None:
            return None
        return pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=issuer)

    async def confirm(self, session: AsyncSession, user: User, code: str) -> list[str]:
        """Let the factor count; all sessions of the person end. Returns the recovery codes, the only time they are
        known. Raises InvalidArgument for a wrong code, StateConflict when nothing waits for one."""
        factor = await self._factor(session, user.id)
        secret = await self._secrets.kept(session, user.id, _NAME)
        if factor is None or factor.confirmed_at is not None or secret is None:
            raise StateConflict("No second factor waits for its first code.", hint="Begin to set one up.")
        step = self._step_of(secret, code)
        if step is None:
            raise InvalidArgument(
                "That is not the code that the app shows now.",
                field="code",
                hint="Check that the clock of the device is right and take the newest code.",
            )
        factor.confirmed_at, factor.last_step = self._now(), step
        await end_sessions_of(session, user.id, now=self._now)
        codes = await self._new_codes(session, user.id)
        await record_change(session, caller_for_user(user, new_id("req")), "user:second_factor", user.id)
        return codes

    async def accepts(self, session: AsyncSession, user_id: str, code: str) -> bool:
        """Whether the code is the app's, or an unused recovery code. Either is accepted once."""
        plain = "".join(code.split()).replace("-", "").lower()
        if len(plain) != CODE_DIGITS:
            used = delete(RecoveryCode).where(
                RecoveryCode.user_id == user_id, RecoveryCode.digest == _digest(user_id, plain)
            )
            return await session.scalar(used.returning(RecoveryCode.id)) is not None
        factor = await self._factor(session, user_id)
        secret = await self._secrets.kept(session, user_id, _NAME)
        step = self._step_of(secret, plain) if secret is not None else None
        if factor is None or factor.confirmed_at is None or step is None:
            return False
        taken = await session.scalar(
            update(SecondFactor)
            .where(SecondFactor.id == factor.id, SecondFactor.last_step < step)
            .values(last_step=step)
            .returning(SecondFactor.id)
            .execution_options(synchronize_session=False)
        )
        return taken is not None

    async def new_codes(self, session: AsyncSession, user: User) -> list[str]:
        """Other recovery codes instead of those before. Who asks has shown a code."""
        codes = await self._new_codes(session, user.id)
        await record_change(session, caller_for_user(user, new_id("req")), "user:recovery_codes", user.id)
        return codes

    async def remove(self, session: AsyncSession, by: Caller, email: str) -> User:
        """Take a person's factor away, their own with a code, or somebody's who has lost it; their sessions end."""
        user = await find_user(session, email)
        if by.user_id != user.id:
            check_may_touch(user, await require_role(session, by, "admin"))
        factor = await self._factor(session, user.id)
        if factor is None:
            raise NotFound(f"{user.email} has no second factor.")
        await session.delete(factor)
        await session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
        await self._secrets.forget(session, user.id, _NAME)
        await end_sessions_of(session, user.id, now=self._now)
        await record_change(session, by, "user:second_factor_removed", user.id)
        return user

    async def left(self, session: AsyncSession, user_id: str) -> int:
        """How many recovery codes are unused."""
        return len(list(await session.scalars(select(RecoveryCode.id).where(RecoveryCode.user_id == user_id))))

    def _step_of(self, secret: str, code: str) -> int | None:
        """The half minute whose code this is, around now."""
        totp, moment = pyotp.TOTP(secret), int(self._now().timestamp())
        plain = "".join(code.split())
        steps: Sequence[int] = range(moment // STEP_SECONDS - DRIFT, moment // STEP_SECONDS + DRIFT + 1)
        fitting = [step for step in steps if hmac.compare_digest(totp.generate_otp(step).encode(), plain.encode())]
        return fitting[-1] if fitting else None

    async def _factor(self, session: AsyncSession, user_id: str) -> SecondFactor | None:
        found: SecondFactor | None = await session.scalar(select(SecondFactor).where(SecondFactor.user_id == user_id))
        return found

    async def _new_codes(self, session: AsyncSession, user_id: str) -> list[str]:
        await session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
        codes = [_new_code() for _ in range(RECOVERY_CODES)]
        for code in codes:
            digest = _digest(user_id, code.replace("-", ""))
            session.add(RecoveryCode(id=new_id("rec"), user_id=user_id, digest=digest))
        await session.flush()
        return codes


async def require_second_factor(session: AsyncSession, by: Caller, required: bool) -> None:
    """Ask all people of the workspace for a second factor, or no longer. Who has none can do nothing but set one up."""
    await require_role(session, by, "owner")
    workspace = (await session.scalars(select(Workspace))).one()
    workspace.second_factor = "required" if required else "optional"
    await record_change(session, by, "workspace:second_factor", workspace.id, {"after": workspace.second_factor})


def _new_code() -> str:
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(_LETTERS)) for _ in range(_GROUPS))


def _digest(user_id: str, code: str) -> str:
    return hashlib.sha256(f"{user_id}\0{code}".encode("utf-8", "surrogatepass")).hexdigest()
