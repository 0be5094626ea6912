"""Checks of what no linter reads: the documents' links, names and counts, the decisions' shape, the locks, the size of
files.

Run by `make check`; prints one line per finding and exits non-zero if there is any.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from docs.commands import blocks, how_tos

ROOT = Path(__file__).resolve().parent.parent
MOST_LINES = 400
DECISION_PARTS = ("## Context", "## Decision", "## Consequences", "## Alternatives")

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_DOTTED_NAME = re.compile(r"`(tradepost(?:\.\w+)+)`")
_COUNTED = re.compile(r"\*\*(\d+) tests\*\*")
_PATH_IN_TREE = re.compile(r"`((?:src|tests|docs|bench|\.ci)/[\w./-]*)`")


def documents() -> Iterator[Path]:
    yield from ROOT.glob("*.md")
    yield from (ROOT / "docs").rglob("*.md")


def defined_names(module: Path) -> set[str]:
    """Top-level names of a module, and `Class.member` for what its classes define."""
    names: set[str] = set()
    for node in ast.parse(module.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{inner.name}" for inner in node.body if hasattr(inner, "name")}
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        names |= {target.id for target in targets if isinstance(target, ast.Name)}
        if isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
    return names


def name_exists(dotted: str) -> bool:
    """Whether `tradepost.a.b.Name` is a folder, a module, or a name defined in one."""
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        base = ROOT / "src" / Path(*parts[:length])
        rest = ".".join(parts[length:])
        for module in (base.with_suffix(".py"), base / "__init__.py"):
            if module.exists():
                return not rest or rest in defined_names(module)
    return False


def problems_of_document(path: Path) -> Iterator[str]:
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        where = f"{path.relative_to(ROOT)}:{number}"
        for target in _LINK.findall(line):
            file = target.partition("#")[0]
            if file and "://" not in target and not target.startswith("mailto:") and not (path.parent / file).exists():
                yield f"{where}: the link to {target} leads nowhere"
        for dotted in _DOTTED_NAME.findall(line):
            if not name_exists(dotted):
                yield f"{where}: {dotted} does not exist"
        for tree_path in _PATH_IN_TREE.findall(line):
            if not (ROOT / tree_path).exists():
                yield f"{where}: {tree_path} does not exist"


def problems_of_decisions() -> Iterator[str]:
    for path in sorted((ROOT / "docs" / "decisions").glob("*.md")):
        if not re.fullmatch(r"\d{4}-[a-z0-9-]+", path.stem):
            yield f"{path.relative_to(ROOT)}: name it NNNN-what-was-decided.md"
        missing = [part for part in DECISION_PARTS if part not in path.read_text()]
        if missing:
            yield f"{path.relative_to(ROOT)}: lacks {', '.join(missing)}"


def tests_marked(mark: str) -> int:
    """How many test functions carry a mark, by themselves or with their whole module."""
    found = 0
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        text = path.read_text()
        if f"mark.{mark}" not in text:
            continue
        tree = ast.parse(text)
        given = (node for node in tree.body if isinstance(node, ast.Assign) and _names(node.targets) == {"pytestmark"})
        whole = any(f"mark.{mark}" in ast.unparse(node.value) for node in given)
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                found += whole or any(f"mark.{mark}" in ast.unparse(one) for one in node.decorator_list)
    return found


def _names(targets: list[ast.expr]) -> set[str]:
    return {target.id for target in targets if isinstance(target, ast.Name)}


def problems_of_counts() -> Iterator[str]:
    path = ROOT / "docs" / "how-to" / "run-several-processes.md"
    said, there = _COUNTED.findall(path.read_text()), tests_marked("two_processes")
    if said != [str(there)]:
        yield f"{path.relative_to(ROOT)}: it says {said or 'nothing'}, but {there} tests are marked two_processes"


def problems_of_locks() -> Iterator[str]:
    for path in sorted(ROOT.glob("requirements*.lock")):
        text = path.read_text()
        if "://" in text or "--index" in text or "--find-links" in text:
            yield f"{path.name}: holds the address of a registry; regenerate it with `make lock`"
        for requirement in re.split(r"\n(?=\S)", re.sub(r"(?m)^\s*#.*\n?", "", text)):
            if requirement.strip() and "--hash=sha256:" not in requirement:
                yield f"{path.name}: {requirement.split()[0]} has no hash; regenerate it with `make lock`"


def problems_of_sources() -> Iterator[str]:
    for path in sorted((ROOT / "src").rglob("*.py")):
        lines = path.read_text().count("\n")
        if lines > MOST_LINES and path.parent.name != "versions":  # a migration is a flat list, however long
            yield f"{path.relative_to(ROOT)}: {lines} lines, more than {MOST_LINES}; are these two ideas?"


def main() -> int:
    found = [problem for path in sorted(documents()) for problem in problems_of_document(path)]
    found += [*problems_of_decisions(), *problems_of_counts(), *problems_of_locks(), *problems_of_sources()]
    for block in (block for path in how_tos() for block in blocks(path) if block.not_run is not None):
        print(f"{block.where}: these commands are not run by the tests: {block.not_run}")
    for problem in found:
        print(problem)
    how_many = f"{len(found) or 'no'} finding{'s' if len(found) != 1 else ''}"
    print(f"documents, counts, decisions, locks and file sizes: {how_many}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
