"""Results cut to the fields that whoever called may see."""
