"""Parcels, routes, drivers and the last mile."""
