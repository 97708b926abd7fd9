"""One drawing a file: each takes figures and a width in pixels, and returns what matplotlib drew."""
