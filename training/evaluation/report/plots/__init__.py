"""One picture a file: from a part of an evaluation to a drawing for a width in pixels."""
