"""What changes of orders share: charges and refunds, units and their stock."""
