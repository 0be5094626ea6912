"""The ground under the domains: the unit of work, record look-up, lists, states, numbers, events."""
