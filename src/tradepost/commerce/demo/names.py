"""Numbers of the records that stories are told about. `CASES` is the list for documentation and tests."""

LATE_ORDER = "88213"
FEDEX_ORDER = "ORD-48291"
FEDEX_TRACKING = "7749281934"
KNOWN_CUSTOMER = "CUST-10492"
ACME = "CUST-10505"
POISONED_COMPANY = "CUST-10511"
FIRST_SMITH, SECOND_SMITH = "CUST-10481", "CUST-10507"
JPY_CUSTOMER, KWD_CUSTOMER = "CUST-10515", "CUST-10516"
RENTAL_COMPANY, STUDIO_COMPANY = "CUST-10487", "CUST-10500"
SICK_DRIVER, STRANDED_DRIVER, ABSENT_DRIVER = "DRV-01", "DRV-04", "DRV-07"

CASES: dict[str, str] = {
    "late_order_driver_sick": LATE_ORDER,
    "sick_driver": SICK_DRIVER,
    "shipped_with_fedex": FEDEX_ORDER,
    "fedex_tracking": FEDEX_TRACKING,
    "known_customer": KNOWN_CUSTOMER,
    "order_of_another_customer": "88214",
    "company_with_instructions": POISONED_COMPANY,
    "order_with_poisoned_note": "88245",
    "business_customer_with_price_list": ACME,
    "ambiguous_name_first": FIRST_SMITH,
    "ambiguous_name_second": SECOND_SMITH,
    "delivery_near_pickup_point": "D-5521",
    "order_of_that_delivery": "88218",
    "pickup_point_on_the_way": "PP-BLAAK",
    "tomorrow_missed_carrier_delay": "88230",
    "tomorrow_missed_driver_breakdown": "88231",
    "tomorrow_missed_on_hold": "88232",
    "tomorrow_missed_stockout": "88222",
    "tomorrow_kept": "88233",
    "carrier_delayed_order": "88237",
    "order_blocked_by_overdue_purchase": "88221",
    "order_blocked_at_lyon": "88224",
    "overdue_purchase_order": "PO-781",
    "overdue_purchase_order_lyon": "PO-783",
    "overdue_purchase_order_blocking_nothing": "PO-786",
    "purchase_order_short_by_12": "PO-778",
    "purchase_order_covering_a_suggestion": "PO-784",
    "delivery_failed": "D-5512",
    "order_of_failed_delivery": "88226",
    "delivery_without_driver": "D-5535",
    "order_without_driver": "88227",
    "claim_to_file_this_week": "CLM-2010",
    "claim_for_missing_parcel": "CLM-2011",
    "claim_for_broken_mug": "CLM-2012",
    "sku_near_stockout": "A-100",
    "sku_stocked_out": "C-205",
    "sku_already_on_order": "C-310",
    "sku_recalled": "B-7",
    "sku_measured": "COFFEE-KG",
    "sku_shrinkage_of_40": "MUG-STONE-BLUE",
    "sku_returned_often": "SHOE-TRAIL-42",
    "sku_returned_often_second": "LAMP-DESK-BLACK",
    "delivered_but_missing": "88240",
    "dispute_due_in_3_days": "DSP-301",
    "second_dispute": "DSP-302",
    "partial_shipment": "88250",
    "return_in_window": "RMA-1042",
    "order_of_return_in_window": "88201",
    "return_out_of_window": "RMA-1050",
    "split_return_order": "88199",
    "split_return_first": "RMA-1043",
    "split_return_second": "RMA-1044",
    "exchange_for_size_l": "RMA-1046",
    "order_of_exchange": "88216",
    "arrived_broken": "88209",
    "recalled_item_delivered": "88207",
    "jpy_order": "88255",
    "kwd_order": "88256",
    "measured_order": "88257",
    "placed_this_morning": "88260",
    "invoice_overdue": "INV-3007",
    "payout_with_3_variances": "OUT-608",
}

# Taken by cases, so that counting numbers goes around them.
RESERVED = frozenset(CASES.values()) | {"87791", "88150", "88190", "88223", "88241", "88246", "D-5507", "D-5530"}
