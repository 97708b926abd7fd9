"""Engine builds: from the ONNX files of `triton_models/` to a repository that Triton serves. No torch."""
