"""Exporting backbones, fitting heads and calibration, building and checking engines."""
