"""What this machine can compute, to judge a training run's speed by."""

import time

import torch


def peak_gmacs(device: torch.device, dtype: torch.dtype, repeats: int = 5) -> float:
    """Multiply–accumulates a second, in billions, of a 1024² matrix product: the best of some runs."""
    a = torch.rand(1024, 1024, device=device).to(dtype)
    best = float("inf")
    for _ in range(1 + repeats):
        start = time.perf_counter()
        torch.mm(a, a)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        best = min(best, time.perf_counter() - start)
    return 1024**3 / best / 1e9
