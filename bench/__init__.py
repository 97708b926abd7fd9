"""How fast, measured honestly: load generator, latency harness, the machine's ceiling, peers, report."""
