"""Import and export of a whole store, lossless and all or nothing."""

from tradepost.commerce.transfer.exporter import export_store
from tradepost.commerce.transfer.format import BrokenFile, StoreFile
from tradepost.commerce.transfer.importer import ImportSummary, import_store
from tradepost.commerce.transfer.reading import parse, read_file

__all__ = ["BrokenFile", "ImportSummary", "StoreFile", "export_store", "import_store", "parse", "read_file"]
