import pytest

from aez.benchmarks.bdrate import Interval, bd_quality, bd_rate, self_check
from aez.benchmarks.curves import Curve, Point, monotone, read_curves
from aez.benchmarks.published import FOLDER

bjontegaard = pytest.importorskip("bjontegaard")

PUBLISHED = read_curves(FOLDER / "kodak.json")
PAIRS = [("jpeg", "vtm"), ("bpg", "mbt2018-mean"), ("vtm", "elic")]


def columns(curve: Curve) -> tuple[list[float], list[float]]:
    points = monotone(curve)
    return [p.bpp for p in points], [p.value for p in points]


@pytest.mark.parametrize("method", ["pchip", "akima"])
@pytest.mark.parametrize(("anchor", "test"), PAIRS)
def test_equals_the_package_on_published_curves(anchor: str, test: str, method: str) -> None:
    a, b = PUBLISHED[anchor], PUBLISHED[test]
    theirs = bjontegaard.bd_rate(*columns(a), *columns(b), method, require_matching_points=False, min_overlap=0)
    ours = bd_rate(a, b, Interval(0, 100), method)
    assert ours is not None
    assert ours.percent == pytest.approx(theirs, abs=1e-6)


def test_known_answers() -> None:
    base = [Point(0.1 * 2**i, 26.0 + 3 * i) for i in range(6)]
    halved = [Point(p.bpp / 2, p.value) for p in base]
    rate, gain = bd_rate(base, halved), bd_quality(base, halved)
    assert rate is not None and gain is not None
    assert (rate.percent, rate.low, rate.high) == (pytest.approx(-50), 28.0, 40.0)
    assert gain.decibels == pytest.approx(3, abs=1e-6)
    assert self_check() < 1e-9


def test_refuses_a_short_overlap() -> None:
    base = [Point(0.1 * 2**i, 26.0 + 3 * i) for i in range(4)]
    above = [Point(p.bpp, p.value + 7.5) for p in base]  # 1.5 dB in common
    assert bd_rate(base, above) is None
    assert bd_rate(base, [Point(p.bpp, p.value + 6.5) for p in base]) is not None
    assert bd_rate(base, base[:1]) is None


def test_bd_rate_is_antisymmetric_in_the_logarithm() -> None:
    for a, b in (("jpeg", "bpg"), ("jpeg", "vtm"), ("bpg", "vtm")):
        one, other = bd_rate(PUBLISHED[a], PUBLISHED[b]), bd_rate(PUBLISHED[b], PUBLISHED[a])
        assert one is not None and other is not None
        assert (1 + one.percent / 100) * (1 + other.percent / 100) == pytest.approx(1)
