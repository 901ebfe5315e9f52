"""Adapt docstrings and signatures for the API reference: names become code, and default names become values."""

import inspect
import pkgutil
import re

import griffe

DOCUMENTED = (
    "aez.codec.api.",
    "aez.codec.base.",
    "aez.codec.batch.",
    "aez.codec.codec.",
    "aez.codec.family.generation.sampling.",
    "aez.codec.family.style.stylize.",
    "aez.codec.tensors.",
)
_ROLE = re.compile(r":(?:class|func|meth|mod):`~?([^`]+)`|``([^`]+)``")


class Signatures(griffe.Extension):
    """Extension of griffe that rewrites loaded objects."""

    def on_object(self, *, obj: griffe.Object, **_: object) -> None:
        """Replace the Sphinx roles of docstrings, as in :class:`Codec`, by the name as code."""
        if obj.docstring:
            obj.docstring.value = _ROLE.sub(lambda match: f"`{match[1] or match[2]}`", obj.docstring.value)

    def on_function(self, *, func: griffe.Function, **_: object) -> None:
        """Replace defaults that name a constant by the value of the constant."""
        named = [one for one in func.parameters if isinstance(one.default, griffe.ExprName)]
        if named and func.path.startswith(DOCUMENTED):
            real = inspect.signature(pkgutil.resolve_name(func.path)).parameters
            for one in named:
                one.default = repr(real[one.name].default)
