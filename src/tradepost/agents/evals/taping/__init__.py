"""Record and replay of what models are asked and answer, so that evals run without them."""
