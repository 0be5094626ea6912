"""Import and export of a whole store, lossless and all or nothing."""

from tradepost.commerce.transfer.exporter import export_store
from tradepost.commerce.transfer.format import BrokenFile, StoreFile, parse, read_file
from tradepost.commerce.transfer.importer import ImportSummary, import_store

__all__ = ["BrokenFile", "ImportSummary", "StoreFile", "export_store", "import_store", "parse", "read_file"]
