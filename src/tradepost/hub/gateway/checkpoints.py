"""Named points in the life of a write, so that tests can stop the process at each of them."""

from typing import Literal, Protocol

Point = Literal[
    "previewed",  # a person's preview was made, nothing is stored
    "asked",  # the pending action is stored, the client has no answer yet
    "confirmed",  # whoever called has said yes themselves, nothing is carried out yet
    "deferred",  # an undoing that needs nobody is set down, whoever asked for it has no answer yet
    "claimed",  # this process holds the lease of an approved action
    "reauthorised",  # everything was checked again
    "counted",  # the write is in the running totals of a transaction that is still open
    "intended",  # the intent row is durable, nothing was sent
    "called",  # the server answered, its effect stands, no outcome is stored
    "moved",  # the server did nothing since its records had moved, and people are asked again
    "recorded",  # the outcome is stored, the client has no answer yet
]


class Checkpoint(Protocol):
    """Is told that a point was reached."""

    def __call__(self, point: Point) -> None: ...


def pass_by(point: Point) -> None:
    """What production does at a checkpoint: nothing."""
