"""The dataset that somebody names."""

from dataclasses import dataclass
from pathlib import Path

from tradepost.agents.evals.datasets.reading import BUILT_IN, built_in, read_dataset
from tradepost.agents.evals.datasets.schema import Dataset
from tradepost.agents.evals.retail.folder import NAME, is_retail, read_retail
from tradepost.foundation.errors import InvalidArgument


@dataclass(frozen=True, slots=True)
class Found:
    """A dataset, and where its store exports are looked for."""

    dataset: Dataset
    beside: Path


def find_dataset(name: str, source: Path | None) -> Found:
    """One that comes along, a YAML file, or a folder of retail tasks. Raises NotFound, InvalidArgument."""
    if name == NAME and not Path(name).exists():
        if source is None:
            raise InvalidArgument("The retail tasks are in a folder of yours.", hint="Name it: --from FOLDER.")
        return Found(read_retail(source), source)
    if source is not None:
        raise InvalidArgument(f"--from is for the dataset {NAME} alone.", field="from")
    place = Path(name)
    if place.is_dir() or is_retail(place):
        return Found(read_retail(place), place)
    if name in built_in() and not place.exists():
        return Found(read_dataset(BUILT_IN / f"{name}.yaml"), BUILT_IN)
    return Found(read_dataset(place), place.parent)
