"""A filled shop for the demonstration, the documentation and the tests: two months of a small European retailer, with
every situation in it that people ask about. The same seed and moment give the same rows."""

from tradepost.commerce.demo.loading import DemoSummary, Variant, load
from tradepost.commerce.demo.names import CASES

__all__ = ["CASES", "DemoSummary", "Variant", "load"]
