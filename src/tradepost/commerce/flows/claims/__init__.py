"""Claims for damaged, lost, short or wrong goods: finding, opening, proving, filing and deciding them."""
