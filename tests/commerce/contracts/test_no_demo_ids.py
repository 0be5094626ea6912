"""The code knows no record of the demo shop: what works there works in any shop."""

import re
from pathlib import Path

from tradepost.commerce.demo import CASES

SOURCE = Path(__file__).resolve().parents[3] / "src"
DEMO = SOURCE / "tradepost" / "commerce" / "demo"
OFTEN_ASKED = "88213 88214 ORD-48291 7749281934 CUST-10492 RMA-1042 RMA-1050 PO-778 D-5521 A-100 B-7".split()


def test_no_demo_id_stands_outside_the_demo() -> None:
    ids = sorted({*CASES.values(), *OFTEN_ASKED})
    pattern = re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, ids))})(?![\w-])")
    found = [
        f"{path.relative_to(SOURCE)}:{number}: {match[0]}"
        for path in sorted(SOURCE.rglob("*.*"))
        if path.suffix in (".py", ".html", ".js", ".css", ".md", ".json", ".mako") and not path.is_relative_to(DEMO)
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        for match in pattern.finditer(line)
    ]
    assert not found
