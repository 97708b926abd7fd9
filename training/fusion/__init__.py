"""Fusion: image heads and evidence streams to one answer, with simulated evidence, judges and ONNX file."""
