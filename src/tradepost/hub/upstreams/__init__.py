"""How a server is called: bundled ones in-process, remote ones over HTTP."""
