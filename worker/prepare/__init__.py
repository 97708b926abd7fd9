"""From image bytes and headers to what the engine takes. Pure functions."""
