"""Results of runs: kept as JSON, shown as a page, compared with others."""
