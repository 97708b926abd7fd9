"""Fine-tuning a backbone with torch: recipes, gradual unfreezing, early stopping, and the way out to ONNX."""
