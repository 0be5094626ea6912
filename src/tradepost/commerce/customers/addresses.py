"""E-mail addresses by their parts: what stands around the "@".

Whoever looks for "smith@exam" means the addresses whose name ends in "smith" and whose domain begins with "exam". No
index of whole addresses answers that, and reading every customer takes longer with every customer. So each customer
has the domain of its address, and the name before it turned around, in columns with an index each: a part of an address
is the beginning of both.
"""

from typing import Annotated, Any

from sqlalchemy import ColumnElement, String, and_
from sqlalchemy.orm import mapped_column

_LAST = "\U0010ffff"

# In the order of its bytes whatever the database's language: only so is a beginning a range of the index.
Key = Annotated[str, mapped_column(String().with_variant(String(collation="C"), "postgresql"))]


def keys_of(folded: str) -> tuple[str, str]:
    """The domain, and the name before it turned around."""
    name, _, domain = folded.rpartition("@")
    return domain, name[::-1]


def address_columns(email: str) -> dict[str, str]:
    """What a customer's row says of an address, for whoever writes rows past the ORM."""
    folded = email.lower()
    domain, turned = keys_of(folded)
    return {"email": email, "email_folded": folded, "email_domain": domain, "email_turned": turned}


def beginning(column: Any, start: str) -> ColumnElement[bool]:
    """Where a key begins so."""
    return and_(column >= start, column < start + _LAST)
