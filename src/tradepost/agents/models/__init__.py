"""Models by name: of providers, of an own endpoint that speaks like one, or the scripted one."""
