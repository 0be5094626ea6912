"""One module for each page, or for a page and the steps that belong to it."""
