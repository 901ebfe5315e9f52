"""Optimisers, and the share of the learning rate that each parameter has."""

from torch import nn, optim

# Linear shortcuts and gains start near their optimum, so their learning rate is half of the others'.
SLOW = ("linear.", "linear_", ".rows")
# SOAP leaves larger sides of a matrix as they are: their decomposition costs more than it brings.
_MAX_PRECONDITIONED = 800
_PRECONDITION_EVERY = 10


def make_optimiser(name: str, model: nn.Module, rate: float) -> optim.Optimizer:
    """Make an optimiser of a model's parameters; each group has its share of the learning rate under ``share``.

    Args:
        name: ``adamw`` (Loshchilov and Hutter, ICLR 2019) or ``soap`` (Vyas et al., ICLR 2025).
        model: the model, already on its device.
        rate: learning rate.

    Raises:
        ValueError: the name is unknown.
    """
    trained = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    fast = [p for n, p in trained if not any(part in n for part in SLOW)]
    slow = [p for n, p in trained if any(part in n for part in SLOW)]
    groups = [{"params": params, "share": share} for params, share in ((fast, 1.0), (slow, 0.5)) if params]
    if name == "adamw":
        fused = trained[0][1].device.type != "mps"  # torch 2.4 has no fused AdamW there
        return optim.AdamW(groups, lr=rate, betas=(0.9, 0.99), weight_decay=0.0, fused=fused)
    if name == "soap":
        from pytorch_optimizer import SOAP

        soap: optim.Optimizer = SOAP(
            groups,
            lr=rate,
            betas=(0.95, 0.95),
            weight_decay=0.0,
            precondition_frequency=_PRECONDITION_EVERY,
            max_precondition_dim=_MAX_PRECONDITIONED,
        )
        return soap
    raise ValueError(f"no optimiser is called {name!r}")
