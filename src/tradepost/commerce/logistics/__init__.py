"""Logistics: fulfillments, parcels and their tracking, drivers, routes and deliveries."""
