"""Worlds for evals: a hub and a store of their own, in a folder that is removed afterwards."""
