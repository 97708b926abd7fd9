"""Data sets of labelled photos: read, judged, labelled and split; no torch, and no coordinates kept."""
