"""Time between two columns in SQL, the same on SQLite and PostgreSQL."""

from typing import Any

from sqlalchemy import Float
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class hours_between(FunctionElement[float]):
    """hours_between(start, end): hours from one time column to another, as a float; NULL where one is missing."""

    type = Float()
    inherit_cache = True
    name = "hours_between"


@compiles(hours_between, "sqlite")
def _sqlite(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    start, end = (compiler.process(clause, **options) for clause in element.clauses)
    return f"((julianday({end}) - julianday({start})) * 24.0)"


@compiles(hours_between, "postgresql")
def _postgresql(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    start, end = (compiler.process(clause, **options) for clause in element.clauses)
    # date_part gives a float; EXTRACT would reckon in decimals, which takes several times as long.
    return f"(date_part('epoch', {end} - {start}) / 3600.0)"
