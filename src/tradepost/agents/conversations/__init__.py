"""Conversations: what people say to agents, what follows from it step by step, and who may look at it."""
