"""What an import came to."""

from dataclasses import dataclass, field

from tradepost.commerce.transfer.sheets.problems import Problem
from tradepost.foundation.errors import InvalidArgument, Unavailable

SHOWN_CHANGES = 20


@dataclass(slots=True)
class Tally:
    """Records of a file by what an import did with them."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0

    @property
    def total(self) -> int:
        """All records."""
        return self.new + self.changed + self.unchanged

    def count(self, verdict: str) -> None:
        """One more record."""
        setattr(self, verdict, getattr(self, verdict) + 1)

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.new + other.new, self.changed + other.changed, self.unchanged + other.unchanged)


@dataclass(slots=True)
class Outcome:
    """The end of an import. `rows` without the header; `continued_after` is the row after which an import that was
    broken off went on; `told_before`: the file told of a moment that was taken over already."""

    rows: int
    tally: Tally
    dry_run: bool
    ignored: tuple[str, ...] = ()
    skipped: int = 0
    problems: list[Problem] = field(default_factory=list)
    problem_count: int = 0
    changes: list[str] = field(default_factory=list)
    continued_after: int | None = None
    told_before: bool = False


class BrokenOff(Unavailable):
    """An import ended before its end, through no fault of the file. `done`: the last row that is imported for certain;
    None where nothing was written."""

    def __init__(self, source: str, cause: str, *, done: int | None) -> None:
        written = "Nothing was written." if done is None else f"Rows up to {done:,} are imported, whole records each."
        go_on = "starts" if done is None else "goes on after them"
        super().__init__(
            f"The import of {source} was broken off: {cause.rstrip('.')}. {written}",
            hint=f"Once that is settled, the same command {go_on}. `tradepost db status` tells how the database is.",
        )


class BadRows(InvalidArgument):
    """Rows of a file cannot be imported; the details have the first ones."""

    def __init__(self, source: str, problems: list[Problem], count: int, *, done: int | None = None) -> None:
        what = "problem" if count == 1 else "problems"
        written = "Nothing was written." if done is None else f"Rows up to {done} are imported, nothing after them."
        super().__init__(
            f"{source} cannot be imported: {count:,} {what}. {written}",
            hint="Mend the rows and import again, or leave them out: --skip-bad-rows. --report FILE lists them all.",
            details={"problems": [str(problem) for problem in problems]},
        )
