"""What spans domains: one module per verb, in one transaction; and reads that join domains."""
