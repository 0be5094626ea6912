"""Locations that a file names and the shop does not know yet."""

from tradepost.commerce.inventory.models import Location
from tradepost.commerce.transfer.sheets.addresses import address_of
from tradepost.foundation.ids import new_id

MAX_CODE = 60


def new_location(name: str) -> Location:
    """A warehouse of this name. Its code is the name in capitals: "Rotterdam Noord" ROTTERDAM-NOORD."""
    words = "".join(letter if letter.isalnum() else " " for letter in name).upper().split()
    return Location(
        id=new_id(Location.prefix), code="-".join(words)[:MAX_CODE] or name, name=name, address=address_of(None)
    )
