"""Searching tools by words: the best one first, the same on every replica, whatever is asked."""

import pytest

from tradepost.hub.registry.tool_search import Document, ToolIndex, words_of

TOOLS = (
    Document("get_order", "Get order", "Shows one order with its lines, payments and shipments."),
    Document("search_orders", "Search orders", "Lists orders by customer, status and date."),
    Document("initiate_refund", "Refund", "Pays captured money back to the original payment method."),
    Document("cancel_order", "Cancel order", "Cancels an order that is not on its way."),
    Document("track_parcel", "Track", "Says where a shipment is.", "tracking_number"),
    Document("checkInventory", "", "Units on hand by warehouse."),
    Document("create_reorder", "Reorder", "Orders more of an article from its supplier.", "sku quantity"),
    Document("list_invoices", "Invoices", "Bills of a customer.", "number"),
)
INDEX = ToolIndex(TOOLS)


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("refund an order", "initiate_refund"),
        ("give the customer their money back, reimburse", "initiate_refund"),
        ("where is my package", "track_parcel"),
        ("cancelling orders", "cancel_order"),
        ("void this order", "cancel_order"),
        ("stock levels", "checkInventory"),
        ("how many units are in the warehouse", "checkInventory"),
        ("bill", "list_invoices"),
        ("GET_ORDER", "get_order"),
        ("trackin", "track_parcel"),
    ],
)
def test_what_is_meant_comes_first(query: str, first: str):
    assert INDEX.find(query, 3)[0] == first


@pytest.mark.parametrize("query", ["", "the of a", "zeppelin", "   ", "💥", "'; DROP TABLE", "\x00", "__--.."])
def test_what_fits_nothing_finds_nothing(query: str):
    assert INDEX.find(query, 5) == []


def test_few_are_given_and_always_the_same_ones():
    query = "order " * 5_000
    assert len(INDEX.find(query, 2)) == 2
    assert ToolIndex(reversed(TOOLS)).find("order customer", 8) == INDEX.find("order customer", 8)
    assert ToolIndex([]).find("order", 5) == []


def test_words_are_the_same_however_they_are_written():
    assert set(words_of("listInvoices list_invoice LIST-INVOICED Invoicing")) == {"list", "invoic"}
    assert list(words_of("Café")) == list(words_of("cafe"))
