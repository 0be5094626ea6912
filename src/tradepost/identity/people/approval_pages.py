"""The page on which a person answers one approval: signed in, or by the link of a mail.

GET shows everything and changes nothing, so programs that follow links do no harm. The form names what was shown; the
answer counts for exactly that. A write that moves money wants somebody who has signed in a moment ago.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response

from tradepost.foundation.caller import Caller, Principal
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.errors import ForbiddenScope, InvalidArgument, NotFound, StateConflict
from tradepost.foundation.ids import new_id
from tradepost.hub.access.attempts import LINK
from tradepost.hub.access.models import User
from tradepost.hub.access.person_sessions import form_token
from tradepost.hub.access.roles import at_least
from tradepost.hub.access.signed_in import SignedIn
from tradepost.hub.actions.answering import How
from tradepost.hub.actions.approvers import rights_of
from tradepost.hub.actions.card import Card, cards_of
from tradepost.hub.actions.foreseen import foreseen_in
from tradepost.hub.actions.models import Action
from tradepost.hub.actions.verdicts import check_comment
from tradepost.hub.actions.views import ActionView, view
from tradepost.hub.notices.contents import risk_of
from tradepost.hub.notices.links import FOLDER, OpenLink, gone, open_link, use_link
from tradepost.identity.menu import menu_with_counts
from tradepost.identity.pages import go_to
from tradepost.identity.people.account import check_password_of, elsewhere
from tradepost.identity.people.approval_desk import ApprovalDesk
from tradepost.identity.people.browser import headers_of
from tradepost.identity.people.entering import address_of
from tradepost.identity.people.parts import Parts


class ApprovalPages:
    """The pages."""

    def __init__(self, parts: Parts, desk: ApprovalDesk) -> None:
        self._parts = parts
        self._desk = desk

    async def show(self, request: Request) -> Response:
        """GET /approvals/…: for whoever is signed in."""
        held = await self._parts.sessions.held(headers_of(request))
        if held is None or not held.complete:
            return elsewhere(self._parts, held, request.url.path)
        return await self._page(held.person, request.path_params["approval"])

    async def send(self, request: Request) -> Response:
        """POST /approvals/…: the answer."""
        held = await self._parts.sessions.held(headers_of(request))
        if held is None or not held.complete:
            raise StateConflict("You are not signed in any more.", hint="Sign in, then open the approval again.")
        person, approval = held.person, str(request.path_params["approval"])
        fields = await self._parts.browsers.form(request, person.form_token)
        try:
            how = _how("page", fields, proven=self._is_fresh(person))
            if fields.get("answer") == "approve":
                how = await self._proved(person, approval, fields, how)
            await self._answer(_caller(person.workspace_id, person.user_id), approval, fields, how)
        except InvalidArgument as wrong:
            return await self._page(person, approval, said=wrong.message, status=400)
        return go_to(f"{FOLDER}{approval}")

    async def show_by_link(self, request: Request) -> Response:
        """GET /approvals/by-link/…: for whom the mail was written."""
        link = await self._open(request)
        return await self._page_of_link(request, self._parts.browsers.visit(request), link)

    async def send_by_link(self, request: Request) -> Response:
        """POST /approvals/by-link/…: the answer, which uses the link up."""
        visit, fields = await self._parts.browsers.form_of_visitor(request)
        link = await self._open(request)
        shown, _, _ = await self._look(link.workspace_id, link.user_id, link.action_id)
        if self._needs_sign_in(shown):
            raise ForbiddenScope("This moves money: sign in to answer it.", hint=f"Open {FOLDER}{link.action_id}")
        try:
            how = _how("link", {**fields, "round": str(link.round)}, proven=True)
            await self._answer(_caller(link.workspace_id, link.user_id), link.action_id, fields, how)
        except InvalidArgument as wrong:
            return await self._page_of_link(request, visit, link, said=wrong.message, status=400)
        await use_link(self._parts.database, link, self._parts.now)
        shown, _, _ = await self._look(link.workspace_id, link.user_id, link.action_id)
        return self._parts.pages.message("Thank you", shown.what_happened(), "You can close this page.")

    async def _open(self, request: Request) -> OpenLink:
        """Raises NotFound, the same for every link that does not do, and RateLimited for who guesses."""
        try:
            return await open_link(self._parts.database, request.path_params["token"], self._parts.now)
        except NotFound:
            await self._parts.attempts.count(LINK, address_of(request))
            raise

    async def _answer(self, caller: Caller, approval: str, fields: Mapping[str, str], how: How) -> None:
        comment = fields.get("comment", "").strip() or None
        check_comment(comment)
        answers = {"approve": self._desk.verdicts.approve, "reject": self._desk.verdicts.reject}
        answer = answers.get(fields.get("answer", ""))
        if answer is None:
            raise InvalidArgument("Say whether you approve or reject it.", field="answer")
        await answer(caller, approval, comment, how)

    async def _proved(self, person: SignedIn, approval: str, fields: Mapping[str, str], how: How) -> How:
        """With money, and signed in a while ago: a code where they have a second factor, else their password. Raises
        InvalidArgument, RateLimited."""
        shown, _, _ = await self._look(person.workspace_id, person.user_id, approval)
        if how.proven or not shown.moves_money:
            return how
        if not await self._has_factor(person):
            await check_password_of(self._parts, person, dict(fields))
            return _how("page", fields, proven=True)
        if not fields.get("code"):
            raise InvalidArgument("Type the code that your authenticator shows now.", field="code")
        return How("page", fields["code"], False, how.round, how.fingerprint)

    def _is_fresh(self, person: SignedIn) -> bool:
        return not self._desk.fresh or self._parts.now() - person.signed_in_at <= self._desk.fresh

    def _needs_sign_in(self, shown: ActionView) -> bool:
        return shown.moves_money and not self._desk.money_by_link

    async def _has_factor(self, person: SignedIn) -> bool:
        async with self._parts.database.transaction(person.workspace_id, write=False) as session:
            return await self._parts.factors.has(session, person.user_id)

    async def _look(self, workspace_id: str, user_id: str, approval: str) -> tuple[ActionView, Card, bool]:
        """The action, its card, and whether this person may answer it. Raises NotFound."""
        async with self._parts.database.transaction(workspace_id, write=False) as session:
            shown = await view(session, approval)
            action = (await session.scalars(select(Action).where(Action.id == approval))).one()
            user = await session.scalar(select(User).where(User.id == user_id, User.status == "active"))
            rights = await rights_of(session, user, action, self._parts.now()) if user is not None else []
            sees = bool(rights) or (user is not None and at_least(user.role, "operator"))
            shown = shown.for_person(sees_personal=sees)
            (card,) = await cards_of(session, [shown])
        return shown, card, bool(rights)

    async def _page(self, person: SignedIn, approval: str, said: str | None = None, status: int = 200) -> Response:
        shown, card, may_answer = await self._look(person.workspace_id, person.user_id, approval)
        must_prove = shown.moves_money and not self._is_fresh(person)
        prove = ("code" if await self._has_factor(person) else "password") if must_prove else None
        facts = _facts(shown, card, may_answer, prove=prove, sign_in=None, who=person.email)
        async with self._parts.database.transaction(person.workspace_id, write=False) as session:
            menu = await menu_with_counts(session, FOLDER)
        framed = {"frame": "frame.html", "person": person, "menu": menu}
        return self._parts.pages.page("approval.html", status, token=person.form_token, said=said, **framed, **facts)

    async def _page_of_link(
        self, request: Request, visit: str, link: OpenLink, said: str | None = None, status: int = 200
    ) -> Response:
        shown, card, may_answer = await self._look(link.workspace_id, link.user_id, link.action_id)
        if shown.round != link.round:
            raise gone()
        sign_in = f"{FOLDER}{link.action_id}" if self._needs_sign_in(shown) else None
        facts = _facts(shown, card, may_answer, prove=None, sign_in=sign_in, who=link.email)
        facts["frame"] = "base.html"
        page = self._parts.pages.page("approval.html", status, token=form_token(visit), said=said, **facts)
        return self._parts.browsers.keep_visit(request, visit, page)


def _how(way: Any, fields: Mapping[str, str], *, proven: bool) -> How:
    """What the form says that was shown. Raises InvalidArgument."""
    number = fields.get("round", "")
    if not (number.isascii() and number.isdigit() and len(number) < 10 and fields.get("fingerprint")):
        raise InvalidArgument("The form does not say what it answers.")
    return How(way, None, proven, int(number), fields["fingerprint"])


def _facts(
    shown: ActionView, card: Card, may_answer: bool, *, prove: str | None, sign_in: str | None, who: str
) -> dict[str, Any]:
    """Everything about it, as text in which nothing is hidden."""
    return {
        "action": shown,
        "card": card,
        "risk": risk_of(shown, card),
        "until": to_rfc3339(shown.expires_at.replace(microsecond=0)) if shown.expires_at else "",
        "undo": foreseen_in(shown.undo).summary if shown.undone_by is None else "",
        "may_answer": may_answer and shown.state == "pending",
        "prove": prove,
        "sign_in": sign_in,
        "who": who,
    }


def _caller(workspace_id: str, user_id: str) -> Caller:
    return Caller(workspace_id, Principal("user", user_id), new_id("req"), user_id=user_id)
