"""The harness that compares gateways lives outside the repository; here is how it is found, copied and joined.

It brings an upstream and a load driver that checks every answer. Both are used by all measures of this folder.
"""

import importlib
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PEER = Path(__file__).resolve().parent / "peer"
BESIDE = Path(__file__).resolve().parents[3] / "shared" / "bench" / "gateway"


def harness() -> Path:
    """Its folder: TRADEPOST_BENCH_HARNESS, else ../shared/bench/gateway beside the checkout."""
    folder = Path(os.environ.get("TRADEPOST_BENCH_HARNESS") or BESIDE)
    if not (folder / "run.py").is_file():
        raise FileNotFoundError(f"The harness is not in {folder}; name its folder in TRADEPOST_BENCH_HARNESS.")
    return folder


def module(name: str) -> Any:
    """One of its modules: `load`, the driver, or `upstream`."""
    folder = str(harness())
    if folder not in sys.path:
        sys.path.append(folder)
    return importlib.import_module(name)


@contextmanager
def joined(peers: Path | None) -> Iterator[Path]:
    """A copy of the harness in a folder that passes, with the hub as one of its peers.

    `peers` is a copy of the harness in which `peers/install.sh` was run; its environments are used where they are.
    Without it the harness runs in this environment, which has what direct calls, a yardstick and the hub need.
    """
    with tempfile.TemporaryDirectory() as passing:
        copy = Path(passing) / "gateway"
        shutil.copytree(harness(), copy, ignore=shutil.ignore_patterns(".venvs", ".run", "results", "node_modules"))
        for path in (copy, *copy.rglob("*")):
            path.chmod(path.stat().st_mode | stat.S_IWUSR)  # the original may be there to read only
        shutil.copytree(PEER, copy / "peers" / "tradepost")
        shutil.copy(PEER / "with_hub.py", copy)
        environments = copy / ".venvs"
        environments.mkdir()
        for name, installed in installed_peers(peers).items():
            (environments / name).symlink_to(installed)
        if not (environments / "bench").exists():
            (environments / "bench").symlink_to(sys.prefix)
        packages = peers / "peers" / "npm" / "node_modules" if peers else None
        if packages is not None and packages.is_dir():
            (copy / "peers" / "npm" / "node_modules").symlink_to(packages.resolve())
        yield copy


def installed_peers(peers: Path | None) -> dict[str, Path]:
    """The environments that `peers/install.sh` made in that copy, by name."""
    if peers is None:
        return {}
    made = sorted(path.parent for path in (peers.resolve() / ".venvs").glob("*/.ok"))
    if not made:
        raise FileNotFoundError(f"No peer is installed in {peers}; run peers/install.sh there.")
    return {path.name: path for path in made}
