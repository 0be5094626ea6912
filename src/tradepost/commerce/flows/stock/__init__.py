"""Stock across warehouses: levels, movements, transfers, what is on its way."""
