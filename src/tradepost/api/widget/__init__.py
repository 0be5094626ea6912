"""The chat that a shop puts into its own pages with one script tag."""
