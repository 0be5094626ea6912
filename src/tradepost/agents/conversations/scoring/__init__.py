"""How appropriate an answer is: fixed criteria, each with its reason, without a model."""
