"""`python -m tradepost`."""

from tradepost.cli import main

main()
