"""Windows never look ahead; the baselines are what they are called."""

import numpy as np
import pandas as pd
import pytest
import torch

from dlbook import datasets
from dlbook.sequence_modeling.forecasting import (
    CONTEXT,
    FEATURES,
    HORIZON,
    daily_cycle,
    error,
    hourly,
    make_windows,
    persistence,
    ridge_forecast,
    seasonal,
    train_forecaster,
)


@pytest.fixture(scope="module")
def windows():
    return make_windows(datasets.weather())


def small(windows, count=600):
    return type(windows)(windows.x[:count], windows.y[:count], windows.hour[:count])


def test_shapes_and_no_missing_values(windows) -> None:
    for part in windows.values():
        assert part.x.shape[1:] == (CONTEXT, len(FEATURES))
        assert part.y.shape[1:] == (HORIZON,)
        assert part.x.isfinite().all()
        assert part.y.isfinite().all()


def test_the_first_forecast_follows_the_context(windows) -> None:
    x = datasets.weather().test
    airport = hourly(x[x["origin"] == "EWR"])
    mine = windows["test"]
    when = 100  # deep inside the test part, so hourly() of it alone has the same values
    truth = torch.tensor(airport["temp"].to_numpy()[when : when + HORIZON], dtype=torch.float32)
    assert torch.equal(mine.y[when], truth)
    before = torch.tensor(airport["temp"].to_numpy()[when - CONTEXT : when], dtype=torch.float32)
    assert torch.equal(mine.x[when, :, 0], before)
    assert int(mine.hour[when]) == airport.index[when - 1].hour


def test_missing_hours_are_filled_from_the_past() -> None:
    times = pd.to_datetime(["2013-01-01T00", "2013-01-01T01", "2013-01-01T04"], utc=True)
    columns = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "pressure"]
    table = pd.DataFrame({c: [32.0, 50.0, 68.0] for c in columns} | {"time": times})
    table.loc[1, "humid"] = np.nan
    frame = hourly(table)
    assert frame["temp"].tolist() == pytest.approx([0, 10, 10, 10, 20])
    assert frame["humid"].tolist() == [32, 32, 32, 32, 68]


def test_thinning_and_one_horizon(windows) -> None:
    part = windows["valid"]
    thin = part.every(3)
    assert torch.equal(thin.x[1], part.x[3])
    assert torch.equal(thin.y[1], part.y[3])
    shifted = part.y + torch.arange(1, HORIZON + 1)
    assert error(shifted, part, 5) == pytest.approx(5, abs=1e-3)
    assert error(part.y + 2, part) == pytest.approx(2, abs=1e-3)


def test_baselines(windows) -> None:
    part = small(windows["train"])
    assert torch.equal(persistence(part)[:, 5], part.x[:, -1, 0])
    assert torch.equal(seasonal(part)[:, 23], part.x[:, -1, 0])
    assert torch.equal(seasonal(part)[:, 0], part.x[:, -24, 0])
    cycle = daily_cycle(windows["train"])(windows["train"])
    for h in (0, 13):
        here = windows["train"].hour == h
        gap = (cycle - windows["train"].y)[here].mean(dim=0)
        torch.testing.assert_close(gap, torch.zeros(HORIZON), atol=1e-3, rtol=0)


def test_ridge_equals_scikit_learn(windows) -> None:
    from sklearn.linear_model import Ridge

    from dlbook.sequence_modeling.forecasting import flat_features

    part = small(windows["train"])
    mean, std = part.x.mean(dim=(0, 1)), part.x.std(dim=(0, 1))
    x = flat_features(part, mean, std).double().numpy()
    reference = Ridge(10.0, fit_intercept=False).fit(x, (part.y - part.now).double().numpy())
    theirs = part.now + torch.tensor(reference.predict(x)).float()
    ours = ridge_forecast(part, mean, std, 10.0)(part)
    torch.testing.assert_close(ours, theirs, atol=1e-3, rtol=0)


def test_a_short_training_beats_its_base(windows) -> None:
    part, valid = small(windows["train"], 3000), small(windows["valid"])
    forecast, history = train_forecaster(part, valid, persistence, seed=0, epochs=2, hidden=16)
    assert error(forecast(valid), valid) == pytest.approx(-history.best_score)
    assert -history.best_score < error(persistence(valid), valid)
