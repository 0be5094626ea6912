"""Claims: damage, loss and shortage, towards customers and carriers."""
