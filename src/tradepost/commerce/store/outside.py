"""Fields of answers in which outsiders' words may stand and that are no UntrustedText: names, addresses, reasons, and
parts that hold such fields. Their schemas say so."""

from typing import Annotated, Any

from pydantic import Field

from tradepost.foundation.untrusted import MARK

_MARKED = Field(json_schema_extra={MARK: True})

OutsideName = Annotated[str, _MARKED]
OutsideAddress = Annotated[dict[str, str], _MARKED]
OutsidePart = Annotated[dict[str, Any], _MARKED]
OutsideParts = Annotated[list[dict[str, Any]], _MARKED]
