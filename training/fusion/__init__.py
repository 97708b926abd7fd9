"""Fusion: image heads and evidence streams to one answer, with simulated evidence, judges and ONNX file."""

from __future__ import annotations

from training.fusion.graph import IR_VERSION, OPSET, weights, write

__all__ = ["IR_VERSION", "OPSET", "weights", "write"]
