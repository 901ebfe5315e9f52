"""Codecs by name, and their notation with options: ``avif:speed=4:subsampling=420``."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from aez.benchmarks.codecs import pillow_formats as formats
from aez.benchmarks.codecs.base import Adapter
from aez.bitstream.errors import AezError

_BY_PILLOW: dict[str, Callable[[str, Mapping[str, str]], Adapter]] = {
    "jpeg": formats.jpeg,
    "webp": formats.webp,
    "avif": formats.avif,
    "jxl": formats.jxl,
    "heic": formats.heic,
    "jpeg2000": formats.jpeg2000,
}
FAMILIES = ("aez", *_BY_PILLOW, "mozjpeg", "jpegli", "compressai")
PRESETS: dict[str, tuple[str, dict[str, str]]] = {
    "jpeg-444": ("jpeg", {"subsampling": "444"}),
    "jpeg-plain": ("jpeg", {"optimise": "no"}),
    "avif-s6": ("avif", {}),
    "avif-s6-psnr": ("avif", {"tune": "psnr"}),
    "avif-s2": ("avif", {"speed": "2"}),
    "avif-s2-psnr": ("avif", {"speed": "2", "tune": "psnr"}),
    "avif-s4-420": ("avif", {"speed": "4", "subsampling": "420"}),
    "jxl-e7": ("jxl", {}),
}
DEFAULT_CODECS = (
    "aez", "jpeg", "jpeg-444", "mozjpeg", "jpegli", "webp", "avif-s6", "avif-s6-psnr", "avif-s2", "avif-s2-psnr",
    "jxl-e7", "heic", "jpeg2000",
)  # fmt: skip


@dataclass(frozen=True)
class CodecSpec:
    """The description of an adapter, which can be sent to another process.

    Attributes:
        name: in reports.
        family: which adapter.
        options: its options; for an external codec ``encode`` and ``decode``.
        qualities: to run; empty for the adapter's own.
    """

    name: str
    family: str
    options: dict[str, str] = field(default_factory=dict)
    qualities: tuple[float, ...] = ()


def parse_codec(text: str) -> CodecSpec:
    """Parse ``NAME[:option=value…]`` with the name of a family or a preset.

    Raises:
        AezError: neither, or an option without a value.
    """
    name, *rest = text.split(":")
    family, options = PRESETS.get(name, (name, {}))
    if family not in FAMILIES:
        raise AezError(f"no codec {name!r}; there is {', '.join((*FAMILIES, *PRESETS))}, and --external for others")
    given = {}
    for item in rest:
        key, equals, value = item.partition("=")
        if not equals or not value:
            raise AezError(f"{text}: {item!r} is not option=value")
        given[key] = value
    return CodecSpec(text, family, {**options, **given})


def parse_qualities(texts: Sequence[str], names: Sequence[str]) -> dict[str, tuple[float, ...]]:
    """Parse ``Q,Q,…`` for every codec or ``NAME=Q,Q,…`` for one; return qualities by codec name.

    Raises:
        AezError: not numbers, or a codec that is not run.
    """
    found: dict[str, tuple[float, ...]] = {}
    for text in texts:
        # The last "=": names of codecs with options have some of their own.
        name, _, numbers = text.rpartition("=")
        try:
            values = tuple(dict.fromkeys(float(number) for number in numbers.split(",")))
        except ValueError:
            raise AezError(f"--qualities {text}: not a list of numbers") from None
        if name and name not in names:
            raise AezError(f"--qualities {text}: {name!r} is not among the codecs ({', '.join(names)})")
        found.update(dict.fromkeys([name] if name else names, values))
    return found


def build(spec: CodecSpec, device: str) -> Adapter:
    """Build the adapter that a spec describes.

    Raises:
        UnavailableError: the codec is not installed; the text says how to get it.
        AezError: an option is wrong.
    """
    if spec.family == "external":
        from aez.benchmarks.codecs.external import External

        return External(spec.name, spec.options["encode"], spec.options["decode"], spec.qualities)
    if spec.family == "aez":
        from aez.benchmarks.codecs.own import Aez

        adapter: Adapter = Aez(spec.name, spec.options, device)
    elif spec.family == "compressai":
        from aez.benchmarks.codecs.compressai_zoo import CompressAI

        adapter = CompressAI(spec.name, spec.options, device)
    elif spec.family == "mozjpeg":
        from aez.benchmarks.codecs.mozjpeg import MozJpeg

        adapter = MozJpeg(spec.name, spec.options)
    elif spec.family == "jpegli":
        from aez.benchmarks.codecs.jpegli import Jpegli

        adapter = Jpegli(spec.name, spec.options)
    else:
        adapter = _BY_PILLOW[spec.family](spec.name, spec.options)
    if spec.qualities:
        scale = adapter.scale
        for quality in spec.qualities:
            if scale and not (scale.low <= quality <= scale.high and (quality == int(quality) or not scale.integer)):
                kind = "integers" if scale.integer else "numbers"
                raise AezError(
                    f"{spec.name}: qualities are {kind} from {scale.low:g} to {scale.high:g}, not {quality:g}"
                )
        if adapter.rated or spec.family != "compressai":
            adapter.qualities = spec.qualities
    return adapter
