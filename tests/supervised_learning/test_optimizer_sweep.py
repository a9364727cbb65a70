"""The recorded sweep is what its code gives: a slice of it again."""

import pytest

from dlbook.supervised_learning import optimizer_sweep as sweep
from dlbook.supervised_learning.digit_mlp import digit_data

RECORD = sweep.load_sweep()


def test_the_record_holds_every_optimiser_rate_and_seed() -> None:
    assert list(RECORD["errors"]) == list(sweep.MAKERS) == list(sweep.RATES)
    for name, row in RECORD["errors"].items():
        assert [float(lr) for lr in row] == sweep.RATES[name]
        assert all(len(errors) == len(sweep.SEEDS) for errors in row.values())
    assert sweep.__name__ in RECORD["command"]


def test_the_best_rate_is_within_the_grid() -> None:
    """Neither the smallest nor the largest that was tried, so that the grid was wide enough."""
    for name, lr in sweep.best_rates(RECORD["errors"]).items():
        assert sweep.RATES[name][0] < lr < sweep.RATES[name][-1], name


def test_best_rates_take_the_lowest_mean() -> None:
    assert sweep.best_rates({"a": {"0.1": [0.3, 0.3], "0.2": [0.1, 0.4]}}) == {"a": 0.2}


@pytest.mark.parametrize("name", list(sweep.MAKERS))
def test_a_slice_of_the_sweep_again(name: str) -> None:
    data, best = digit_data(), sweep.best_rates(RECORD["errors"])[name]
    recorded = RECORD["errors"][name][str(best)][1]
    assert sweep.sweep_error(data, name, best, 1) == pytest.approx(recorded, abs=0.01)
