"""共享單車的特徵：同一張表，四種給模型看的樣子。"""

import numpy as np
import pandas as pd

WEATHER = ("cloudy/misty", "light rain/snow", "heavy rain/snow")  # 晴天是基準，不另設一欄

MONTHS = ("Jan", "Feb", "March", "April", "May", "June", "July", "Aug", "Sept", "Oct", "Nov", "Dec")


def weather_columns(table: pd.DataFrame) -> pd.DataFrame:
    """天氣：氣溫、體感、濕度、風速，與三欄 0/1 的天氣狀況。"""
    measured = table[["temp", "atemp", "hum", "windspeed"]].astype(float)
    return measured.assign(**{w: (table["weathersit"] == w).astype(float) for w in WEATHER})


def as_numbers(table: pd.DataFrame) -> pd.DataFrame:
    """原樣：季節、日期、小時、星期都當成普通的數字。"""
    names = ["season", "day", "hr", "holiday", "weekday", "workingday"]
    return pd.concat([table[names].astype(float), weather_columns(table)], axis=1)


def calendar(table: pd.DataFrame) -> pd.DataFrame:
    """類別變成 0/1（one-hot）：24 個小時、12 個月、7 個星期，再加氣溫與濕度的平方。"""
    columns = {"temp²": table["temp"] ** 2, "hum²": table["hum"] ** 2, "day": table["day"] / 365}
    columns |= {"holiday": table["holiday"], "workingday": table["workingday"]}
    columns |= {f"{h} 點": table["hr"] == h for h in range(24)}
    columns |= {f"{i} 月": table["mnth"] == m for i, m in enumerate(MONTHS, 1)}
    columns |= {f"星期{'日一二三四五六'[w]}": table["weekday"] == w for w in range(7)}
    return pd.concat([weather_columns(table), pd.DataFrame(columns).astype(float)], axis=1)


def with_interactions(table: pd.DataFrame) -> pd.DataFrame:
    """再加「小時 × 是否上班日」24 欄：上班日的八點與假日的八點是兩回事。"""
    working = table["workingday"] == 1
    columns = {f"{h} 點×上班日": (table["hr"] == h) & working for h in range(24)}
    return pd.concat([calendar(table), pd.DataFrame(columns).astype(float)], axis=1)


def circular(table: pd.DataFrame) -> pd.DataFrame:
    """小時與日期繞成圓：23 點與 0 點相鄰。每個圓用 sin、cos 表示，小時多給兩個倍頻。"""
    columns = {f"星期{'日一二三四五六'[w]}": table["weekday"] == w for w in range(7)}
    columns |= {"holiday": table["holiday"], "workingday": table["workingday"]}
    columns |= {"day": table["day"] / 365}
    turns = {"小時": table["hr"] / 24, "小時×2": table["hr"] / 12, "小時×3": table["hr"] / 8}
    for name, turn in (turns | {"日期": table["day"] / 365}).items():
        columns |= {f"{name} sin": np.sin(2 * np.pi * turn)}
        columns |= {f"{name} cos": np.cos(2 * np.pi * turn)}
    return pd.concat([weather_columns(table), pd.DataFrame(columns).astype(float)], axis=1)
