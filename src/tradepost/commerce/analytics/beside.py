"""Joining rows that stand at the same moment of two indexes."""

from typing import Any, Self

from sqlalchemy import Boolean
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import OperatorType


class beside(FunctionElement[bool]):
    """beside(a, b): a = b, of two time columns that are the same anyway in the rows that another condition joins.

    SQLite looks each row up and needs it to find the place in an index that begins with the time. PostgreSQL reads both
    sides once and joins them by the other condition; two that say the same would have it expect next to no rows.
    """

    type = Boolean()
    inherit_cache = True
    name = "beside"

    def self_group(self, against: OperatorType | None = None) -> Self:
        """A condition as it is: where SQLite has no booleans, a function that gives one is compared with 1, and no
        index finds what is compared twice."""
        return self


@compiles(beside, "sqlite")
def _sqlite(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    one, other = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{one} = {other}"


@compiles(beside, "postgresql")
def _postgresql(_element: Any, _compiler: SQLCompiler, **_options: Any) -> str:
    return "TRUE"
