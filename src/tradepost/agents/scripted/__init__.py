"""The scripted model: no language model, plainly labelled, that works where no key for one is set."""
