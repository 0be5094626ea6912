"""What can be watched of a running hub: counters, traces, and the audit as a stream."""
