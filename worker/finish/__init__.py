"""From raw logits to a decision: temperature, interval, conformal set, decide. Pure functions."""
