"""What the hub adds to a call: beside a direct one and other gateways, with many agents, servers and calls."""
