"""A shipping address as a caller gives it, and what makes it one that fits on a label."""

from pydantic import BaseModel, ConfigDict, Field

from tradepost.foundation.countries import is_country
from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.untrusted import clean

REQUIRED = ("line1", "city", "postal_code", "country")


class Address(BaseModel):
    """An address as a caller gives it."""

    model_config = ConfigDict(extra="forbid")

    line1: str = Field(min_length=1, max_length=200)
    line2: str = Field(default="", max_length=200)
    city: str = Field(min_length=1, max_length=100)
    region: str = Field(default="", max_length=100, description="State or province.")
    postal_code: str = Field(min_length=1, max_length=20)
    country: str = Field(min_length=2, max_length=60, description="ISO 3166-1 code or name.")
    name: str | None = Field(default=None, max_length=100)
    phone: str | None = Field(default=None, max_length=40)


def checked_address(address: Address) -> dict[str, str]:
    """The address as it is stored. Raises InvalidArgument for a part that says nothing, or hides characters."""
    stored: dict[str, str] = {}
    for name, value in address.model_dump(exclude_none=True).items():
        text = str(value).strip()
        if clean(text, 200) != text or "\n" in text:
            raise InvalidArgument(
                f"The address's {name} has line breaks or characters that cannot be printed on a label.",
                hint="Write it in plain characters on one line.",
                field=f"address.{name}",
            )
        if name in REQUIRED and not any(character.isalnum() for character in text):
            raise InvalidArgument(
                f"The address's {name} is empty.", hint="Ask for the missing part.", field=f"address.{name}"
            )
        stored[name] = text
    if len(stored["country"]) == 2 and not is_country(stored["country"]):
        raise InvalidArgument(
            f"'{stored['country']}' is no country.", hint="Use a code like NL or the name.", field="address.country"
        )
    return stored
