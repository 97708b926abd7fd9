"""The parts of the path, each measured alone in a process of its own: the ceiling is made of them."""
