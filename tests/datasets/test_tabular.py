"""The tables: counts, known facts, and splits that don't leak."""

import numpy as np
import pandas as pd
import pytest

from dlbook import datasets


def whole(table: datasets.Table) -> pd.DataFrame:
    return pd.concat([table.train, table.valid, table.test])


def test_bikeshare_is_what_the_book_describes() -> None:
    table = datasets.bikeshare()
    rows = whole(table)
    assert rows.shape == (8645, 15)
    assert rows["bikers"].mean() == pytest.approx(143.794, abs=0.001)
    assert (rows["casual"] + rows["registered"] == rows["bikers"]).all()
    assert not set(table.features) & {"bikers", "casual", "registered"}
    assert len(table.features) == 12


def test_bikeshare_never_splits_a_day() -> None:
    table = datasets.bikeshare()
    days = [set(part["day"]) for part in (table.train, table.valid, table.test)]
    assert set.union(*days) == set(range(1, 366))
    assert sum(map(len, days)) == 365
    assert (len(table.train), len(table.valid), len(table.test)) == (5311, 1678, 1656)


def test_bikeshare_has_every_season_in_every_part() -> None:
    table = datasets.bikeshare()
    for part in (table.train, table.valid, table.test):
        assert set(part["season"]) == {1, 2, 3, 4}


@pytest.mark.parametrize(("name", "time"), [("chicago", "date"), ("weather", "time")])
def test_time_goes_on_from_part_to_part(name: str, time: str) -> None:
    table = getattr(datasets, name)()
    assert table.train[time].max() < table.valid[time].min()
    assert table.valid[time].max() < table.test[time].min()


def test_chicago_has_a_row_a_day_and_stations_of_a_fortnight_before() -> None:
    table = datasets.chicago()
    rows = whole(table)
    assert rows.shape == (5698, 50)
    assert (rows["date"].diff().dropna() == pd.Timedelta(days=1)).all()
    lagged = rows["Clark_Lake"].to_numpy()[14:]
    assert np.mean(np.abs(lagged - rows["ridership"].to_numpy()[:-14]) < 1e-9) > 0.99
    weekday = rows["date"].dt.day_of_week < 5
    assert rows["ridership"][weekday].mean() > 2 * rows["ridership"][~weekday].mean()


def test_weather_has_three_airports_and_no_impossible_wind() -> None:
    table = datasets.weather()
    rows = whole(table)
    assert rows.shape == (26_115, 11)
    assert rows["origin"].value_counts().to_dict() == {"JFK": 8706, "LGA": 8706, "EWR": 8703}
    assert not rows.duplicated(["origin", "time"]).any()
    assert rows["wind_speed"].max() < 50
    months = rows.groupby(rows["time"].dt.month)["temp"].mean()
    assert months.idxmax() == 7
    assert months.idxmin() in (1, 2)


def test_covid_keeps_countries_apart() -> None:
    curves = datasets.covid()
    assert curves.train_cases.shape == (140, 84)
    assert curves.test_cases.shape == (61, 84)
    assert curves.train_cases.min() >= 0
    assert ((curves.train_death_rate >= 0) & (curves.train_death_rate <= 1)).all()
    train = {row.tobytes() for row in curves.train_cases if row.sum() > 100}
    assert not train & {row.tobytes() for row in curves.test_cases}


def test_loading_twice_gives_the_same() -> None:
    pd.testing.assert_frame_equal(datasets.weather().train, datasets.weather().train)
