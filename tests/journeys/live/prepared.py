"""A demo that was started once and stopped again, and copies of it: making one takes seconds, copying one does not."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.engines import PostgresCluster
from tests.processes import Place


@dataclass(frozen=True)
class Prepared:
    """A stopped demo. `cluster` is where its databases are when they are not files in its folder."""

    place: Place
    cluster: PostgresCluster | None

    def copy(self, data: Path) -> Place:
        """The same demo in another folder, on other databases and another port."""
        shutil.copytree(self.place.data, data)
        if self.cluster is None:
            return Place(data)
        copies = {name: self.cluster.copy(url) for name, url in self.place.databases.items()}
        return Place(data, databases=copies)

    def drop(self, place: Place) -> None:
        """Remove a copy's databases."""
        for url in place.databases.values():
            assert self.cluster is not None
            self.cluster.drop(url)


def new_databases(cluster: PostgresCluster) -> dict[str, str]:
    """Two empty databases, by the variables that name them."""
    return {f"TRADEPOST_{which.upper()}_URL": cluster.create(which, None, None) for which in ("hub", "store")}
