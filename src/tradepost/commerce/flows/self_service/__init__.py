"""What a shop's own customer may see and do. Who that is comes with the caller, never with the arguments."""
