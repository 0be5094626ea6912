"""How long and with whom to measure."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """`peers` is a copy of the harness in which its peers are installed; `seconds` the length of one slice of load,
    `rounds` how often all rows have a turn; `calls` is for the memory of the hub."""

    peers: Path | None = None
    rounds: int = 3
    seconds: float = 1.2
    calls: int = 20_000
