"""The outside judges of the protocol: where their scripts are, a copy to run them from, and what they said."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.processes import ROOT, environment

# They install Node packages and an environment of their own; kept between runs, outside the checkout.
CACHE = Path(os.environ.get("TRADEPOST_CONFORMANCE_CACHE", Path(tempfile.gettempdir()) / "tradepost-conformance"))
SECONDS = 1200


def find_scripts() -> Path | None:
    """The folder shared/conformance beside the checkout or above it."""
    return next((found for folder in ROOT.parents if (found := folder / "shared" / "conformance").is_dir()), None)


def prepared(scripts: Path) -> Path:
    """The scripts with all that they install, so that it is there whichever test comes first."""
    target = _copied(scripts)
    ended = run_script("-c", '. "$0"', str(target / "common.sh"))
    if ended.returncode != 0:
        raise RuntimeError(f"what the judges need cannot be installed: {ended.stdout}{ended.stderr}")
    return target


def run_script(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", *arguments],
        env=environment(SUITE_DIR=str(CACHE / "suites")),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def _copied(scripts: Path) -> Path:
    """A copy that may be written to: the original is read-only."""
    target = CACHE / "scripts"
    target.mkdir(parents=True, exist_ok=True)
    for file in scripts.iterdir():
        copy = target / file.name
        if not copy.exists() or copy.read_bytes() != file.read_bytes():
            copy.unlink(missing_ok=True)
            shutil.copyfile(file, copy)
            copy.chmod(0o755)
    return target


@dataclass(frozen=True)
class Verdict:
    """What a judge passed and failed, by name, and all it said."""

    passed: frozenset[str]
    failed: frozenset[str]
    said: str


def judge(script: Path, *arguments: str) -> Verdict:
    """Run one of the scripts. Lines `ok NAME` and `FAIL NAME: why`, with the wire's date before in the suite."""
    ended = run_script(str(script), *arguments)
    said = ended.stdout + ended.stderr
    lines = re.findall(r"^(?:(\d{4}-\d\d-\d\d) )?(ok|FAIL) +([^:\n]+)(.*)$", ended.stdout, re.M)
    named: dict[str, set[str]] = {"ok": set(), "FAIL": set()}
    for wire, how, name, rest in lines:
        if "not counted" not in rest:
            named[how].add(f"{wire} {name}".strip())
    return Verdict(frozenset(named["ok"]), frozenset(named["FAIL"]), said)
