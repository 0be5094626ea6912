"""Money that comes in or is defended: captures, store credit, evidence in disputes."""
