"""Things without a subject: caller, errors, money, clock, ids, canonical JSON, pagination, untrusted text."""
