"""Tests mirror the tree; `laws` holds property tests, `end_to_end` runs on a real stack."""
