"""Retail tasks: a folder with a store export and tasks on it, in a neutral shape, as a dataset."""
