"""Selection of the codecs to run."""

from collections.abc import Sequence
from dataclasses import replace

from aez.benchmarks.codecs.external import split_description
from aez.benchmarks.codecs.specs import DEFAULT_CODECS, CodecSpec, parse_codec, parse_qualities
from aez.bitstream.errors import AezError


def choose_codecs(names: Sequence[str], external: Sequence[str] = (), qualities: Sequence[str] = ()) -> list[CodecSpec]:
    """Return the specs of all codecs to run.

    Args:
        names: ``NAME[:option=value…]``; empty for the usual ones.
        external: descriptions of command lines.
        qualities: ``[NAME=]Q,Q…``.

    Raises:
        AezError: one cannot be understood, or two have one name.
    """
    specs = [parse_codec(name) for name in names or DEFAULT_CODECS]
    for text in external:
        name, encode, decode = split_description(text)
        specs.append(CodecSpec(name, "external", {"encode": encode, "decode": decode}))
    seen = [spec.name for spec in specs]
    for name in seen:
        if seen.count(name) > 1:
            raise AezError(f"two codecs are called {name!r}")
    chosen = parse_qualities(qualities, seen)
    return [replace(spec, qualities=chosen.get(spec.name, ())) for spec in specs]
