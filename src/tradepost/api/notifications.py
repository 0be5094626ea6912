"""How a person wants to hear of what waits for them."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from tradepost.api.access import Work, may
from tradepost.api.shapes import Given, Shown
from tradepost.hub.notices.choices import want_mail, wants_mail

router = APIRouter(tags=["notifications"])

Own = Annotated[Work, Depends(may("viewer", "read:approvals"))]
Changing = Annotated[Work, Depends(may("viewer", "write:approvals"))]


class Choice(Given):
    """What the person wants."""

    mail: bool = Field(description="Whether approvals that they may answer are sent by mail.")


class ChoiceShown(Shown):
    """What holds for the person behind the key."""

    mail: bool
    mail_is_set_up: bool = Field(description="Whether this hub sends mails at all.")


@router.get("/notifications", summary="Show how one wants to be told")
async def get_notifications(work: Own) -> ChoiceShown:
    """Of the person behind the key."""
    async with work.reading() as session:
        mail = await wants_mail(session, work.caller)
    return ChoiceShown(mail=mail, mail_is_set_up=work.parts.notices.mailer is not None)


@router.patch("/notifications", summary="Say how one wants to be told")
async def change_notifications(work: Changing, body: Choice) -> ChoiceShown:
    """For the person behind the key alone."""
    async with work.writing() as session:
        mail = await want_mail(session, work.caller, body.mail)
    return ChoiceShown(mail=mail, mail_is_set_up=work.parts.notices.mailer is not None)
