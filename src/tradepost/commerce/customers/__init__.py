"""Customers: accounts, groups, ways to pay."""
