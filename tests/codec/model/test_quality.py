import pytest

from aez.codec.model.quality import POSITION_SCALE, QualityScale


def test_positions_and_back() -> None:
    scale = QualityScale(16)
    assert (scale.position_of(1), scale.position_of(100), scale.last) == (0, 3840, 3840)
    for quality in (1, 7.3, 50, 99.99):
        assert scale.quality_of(scale.position_of(quality)) == pytest.approx(quality, abs=99 / 3840)
        assert scale.position_of(quality) == round(scale.point_of(quality) * POSITION_SCALE)
    for quality in (0.99, 100.1, float("nan")):
        with pytest.raises(ValueError, match="quality must be from 1 to 100"):
            scale.position_of(quality)


def test_measured_scores_are_the_qualities() -> None:
    scores = (-12.0, 20.5, 41.0, 60.0, 77.5, 91.0)
    scale = QualityScale(6, scores=scores)
    for point, score in list(enumerate(scores))[1:-1]:
        assert scale.position_of(score) == point * POSITION_SCALE
        assert scale.quality_of(point * POSITION_SCALE) == pytest.approx(score)
    assert (scale.position_of(1), scale.position_of(100)) == (0, scale.last)
    assert scale.position_of(50.5) == 640
    for position in range(0, scale.last + 1, 7):
        assert scale.position_of(scale.quality_of(position)) == position


def test_scores_above_the_first_leave_the_lowest_qualities_at_the_first_point() -> None:
    scale = QualityScale(3, scores=(15.0, 50.0, 90.0))
    assert [scale.position_of(q) for q in (1, 9, 15)] == [0, 0, 0]
    assert scale.quality_of(0) == 15
    flat = QualityScale(4, scores=(-50.0, -50.0, 100.0, 100.0))
    positions = [flat.position_of(q) for q in (1, 2, 50, 99, 100)]
    assert positions == sorted(positions) and positions[0] == 0 and positions[-1] == flat.last


def test_points() -> None:
    scale = QualityScale(4)
    assert [scale.nearest_point(p) for p in (0, 127, 128, 383, 384, 768)] == [0, 0, 1, 1, 2, 3]
    assert [scale.between(p) for p in (0, 64, 256, 640, 768)] == [(0, 0), (0, 0.25), (1, 0), (2, 0.5), (2, 1.0)]


@pytest.mark.torch
def test_the_weight_of_distortion_is_that_of_training() -> None:
    import torch

    from aez.codec.networks.quality import lambda_of

    scale = QualityScale(16)
    for position in (0, 777, 3840):
        trained = float(lambda_of(torch.tensor(position / POSITION_SCALE), 16))
        assert scale.distortion_weight(position) == pytest.approx(trained, rel=1e-5)
