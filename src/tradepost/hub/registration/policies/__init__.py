"""An admin's rules for what agents may do: kept, shown, tried out."""
