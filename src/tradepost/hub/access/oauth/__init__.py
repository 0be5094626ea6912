"""The authorization server: clients, a person's consent, codes and tokens, and who is behind an access token.

Codes and tokens are random values that say nothing; the hub keeps their digests. So a revocation acts on the very next
request, and a token that somebody else signed is simply unknown.
"""
