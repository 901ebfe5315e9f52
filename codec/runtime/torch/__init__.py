"""The float networks in PyTorch."""
