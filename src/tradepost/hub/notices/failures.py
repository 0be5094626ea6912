"""What goes wrong on the way out."""


class NotSent(Exception):
    """A message did not arrive. `final`: trying again would not help. `gone`: the receiver wants no more at all."""

    def __init__(self, why: str, *, final: bool = False, gone: bool = False) -> None:
        super().__init__(why)
        self.final = final
        self.gone = gone
