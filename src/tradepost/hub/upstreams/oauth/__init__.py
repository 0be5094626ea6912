"""Getting in at servers that want OAuth 2.1: finding their authorization server, being its client, keeping tokens.

Whatever a server or its authorization server names is outsiders' text: every URL passes the guard, nothing is followed
to elsewhere, and a token goes only to the server that it was issued for.
"""
