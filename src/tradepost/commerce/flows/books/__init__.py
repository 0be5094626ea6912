"""Reading payments, invoices and claims."""
