"""What is measured against limits: `make bench`, or `python -m bench NAME` for one measure."""
