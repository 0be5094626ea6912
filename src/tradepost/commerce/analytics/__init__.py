"""Analytics: key figures of the operation, aggregated in SQL."""
