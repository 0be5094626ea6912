"""Datasets: what their files say, and reading them."""
