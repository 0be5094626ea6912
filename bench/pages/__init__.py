"""The dashboard's pages over a large hub: how long the server takes for each, and what a first visit loads."""
