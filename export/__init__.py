"""Trained models -> a bundle of ONNX graphs, held against PyTorch before it is written."""
