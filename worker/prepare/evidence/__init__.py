"""What a photo's metadata say about its continent, as numbers: pure functions over small tables.

Values go in, likelihoods over the seven continents come out, and nothing in between is kept: no coordinates,
no EXIF values, no words. `read.read` is the way in; docs/evidence.md holds the assumptions and the decisions.
"""
