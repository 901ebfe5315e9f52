"""Docstrings name other objects as Sphinx does, :class:`Codec`; here that becomes the name in code."""

import re

import griffe

_ROLE = re.compile(r":(?:class|func|meth|mod):`~?([^`]+)`|``([^`]+)``")


class Roles(griffe.Extension):
    """Replaces the roles in every docstring that is loaded."""

    def on_object(self, *, obj: griffe.Object, **_: object) -> None:
        """Rewrite one docstring."""
        if obj.docstring:
            obj.docstring.value = _ROLE.sub(lambda match: f"`{match[1] or match[2]}`", obj.docstring.value)
