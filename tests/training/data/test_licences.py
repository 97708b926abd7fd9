"""Licences are sorted by what their publishers write."""

from __future__ import annotations

import pytest

from tests.training.data.made import item
from training.data import licences


@pytest.mark.parametrize(
    ("licence", "family"),
    [
        ("CC BY-SA 4.0", "open"),
        ("CC BY 2.0 (per-figure credit in caption)", "open"),
        ("CC0 (piqsels)", "open"),
        ("CC/PD per file (images/index.js)", "open"),
        ("public domain (USGS)", "open"),
        ("CDLA-Permissive-1.0", "open"),
        ("Mapillary image; OSV-5M data CC BY-SA 4.0; repo code MIT", "open"),
        ("Unsplash License", "stock"),
        ('Pixabay ("Free for commercial use, no attribution required")', "stock"),
        ("CC BY-NC-SA 4.0", "restricted"),
        ("CC BY-ND 4.0", "restricted"),
        ("All rights reserved", "restricted"),
        ("for non-commercial use", "restricted"),
        ("MIT-CMU", "open"),
        ("ask me", "unknown"),
        ("accident", "unknown"),
        ("NA", "unknown"),
    ],
)
def test_families(licence: str, family: str) -> None:
    """The words decide, whole words, and a restriction beats what it restricts."""
    assert licences.family_of(licence) == family


def test_consent_makes_a_contribution() -> None:
    """Photos given for this count as contributed whatever licence they came with; the target sums to 1."""
    assert licences.family(item(consent_basis="consent")) == "contributed"
    assert licences.family(item()) == "open"
    assert sum(licences.TARGET.values()) == pytest.approx(1)
