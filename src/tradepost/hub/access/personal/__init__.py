"""Personal data in answers and records: what is, of whom, and how it is masked."""
