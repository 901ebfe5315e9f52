"""The float networks without torch: ONNX Runtime for the networks, NumPy for their first and last layers."""
