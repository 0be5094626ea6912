"""Evals: questions with what is expected of their answers, asked of an agent in a store of their own, and scored."""
