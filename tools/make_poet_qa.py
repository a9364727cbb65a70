"""Make the bundled questions about the poets of the Tang dynasty, answered by a span of text.

    mkdir packages && cd packages && npm pack chinese-poetry@2.0.1 && cd ..
    python tools/make_poet_qa.py packages

Only lives written for the 全唐詩 of 1705 are used. The package has others in the same list, of the
20th century: they follow after a space, or speak of the 全唐詩 and what they add to it, or leave
out the family name. Needs ``pip install opencc==1.4.2``.
"""

import argparse
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bundling import DATA, find_package, record
from make_poems import poems_of_1705
from opencc import OpenCC
from texts import HAN, random_parts, read_members, write_records

OUTPUT = DATA / "poet_qa"
MEMBER = r"package/dist/quantangshi/authors\.tang\.json"
MODERN = re.compile("補詩|全唐詩|原列|據《|〖|（|按")
PARTS = {"valid": 0.15, "test": 0.15}  # share of the poets
SEED = 0

NUMBER = "[一二三四五六七八九十百]+"
YEAR = "(?:[元一二三四五六七八九十]+年|[初中末間])"
TEXT = "[^，。、；：「」『』《》]"
# Names of reigns; a dynasty may stand before them.
REIGNS = (
    "武德 貞觀 永徽 顯慶 龍朔 麟德 乾封 總章 咸亨 上元 儀鳳 調露 永隆 開耀 永淳 弘道 嗣聖 文明 光宅 垂拱 "
    "永昌 載初 天授 如意 長壽 延載 證聖 萬歲通天 神功 聖曆 久視 大足 長安 神龍 景龍 唐隆 景雲 太極 延和 先天 "
    "開元 天寶 至德 乾元 寶應 廣德 永泰 大曆 大歷 建中 興元 貞元 永貞 元和 長慶 寶曆 寶歷 太和 大和 開成 "
    "會昌 大中 咸通 乾符 廣明 中和 光啟 文德 龍紀 大順 景福 乾寧 光化 天復 天祐 開平 乾化 貞明 龍德 同光 "
    "天成 長興 清泰 天福 開運 乾祐 廣順 顯德 保大 乾德 開寶 武成 永平 通正 天漢 光天 咸康 明德 廣政 "
)
REIGN = f"(?:後?[唐梁晉漢周蜀]末?)?(?:{'|'.join(REIGNS.split())})"


@dataclass(frozen=True)
class Kind:
    """A kind of question: ways to ask about {name}, and the group of the pattern that answers."""

    name: str
    pattern: str
    questions: tuple[str, ...]
    refused: str = "(?!)"  # an answer that shows that the pattern misread the text


RELATIVE = f"{TEXT}{{2,8}}[子孫弟兄姪]也?，"
NAMES = f"(?:一?名{TEXT}{{1,3}}，)?(?:一?字{TEXT}{{1,3}}，)?"
OPENING = f"^{{name}}，{NAMES}(?:{RELATIVE})?"
RULER = "[玄德憲穆敬文武宣懿僖昭中肅代高太睿]宗"
NO_FATHER = "[次長自號庶封又第人門族從姊兄弟舉主見國為莫猶罷縣富呼帝無女室]|其|^[天太皇世]$"
PASSED = "(?!，?(?:不第|下第|一作|[累屢]))"
KINDS = (
    Kind(
        "字",
        f"^{{name}}，(?:{TEXT}{{1,8}}，)?字({TEXT}{{1,2}})[，。]",
        ("{name}的字是什麼？", "{name}字什麼？"),
    ),
    Kind(
        "號",
        f"[，。]自?號({TEXT}{{2,6}})[，。]",
        ("{name}的號是什麼？", "{name}號什麼？"),
        "才子|[四十七][傑哲子友士]|四士|[官鄰壘李]$|^無為|^[為曰稱]",
    ),
    Kind(
        "籍貫",
        OPENING + f"(?:其先|本|世為)?({TEXT}{{1,6}}?)人[，。也]",
        ("{name}是哪裡人？", "{name}的籍貫是哪裡？"),
        "[時間初末年代宗朝夫舍道詩門山宮才媛女妻僧家進同後云作使自鄉逸優唐]|何許|明國|(?<!河)中",
    ),
    Kind(
        "時代",
        OPENING + f"((?:(?:{REIGN}、)?(?:{REIGN}|{RULER})|唐|五代)[朝初中末間時])時?人[，。]",
        ("{name}是什麼時候的人？", "{name}生活在什麼時代？"),
    ),
    Kind(
        "進士",
        f"({REIGN}{YEAR})，?(?:登|擢|舉|中|第|及)?(?:進士{PASSED}|第[，。])",
        ("{name}什麼時候中進士？", "{name}哪一年考中進士？"),
    ),
    Kind(
        "官",
        f"(?:終|[官仕位遷歷]至)({TEXT}{{2,12}})[，。]",
        ("{name}的官做到什麼？", "{name}最後的官職是什麼？"),
        "^[身年日老制南於于]|[卒日死其者]|[年寺]$",
    ),
    Kind(
        "諡",
        f"[諡謚]曰?({TEXT}{{1,2}})[，。]",
        ("{name}的諡號是什麼？", "{name}死後諡什麼？"),
        "曰",
    ),
    Kind("集", f"(?<!小)集({NUMBER}卷)[，。]", ("{name}的集子有幾卷？", "{name}的文集有多少卷？")),
    Kind("姓", f"[，。](?:本?俗)?姓({TEXT}{{1,2}}?)氏?[，。]", ("{name}姓什麼？",)),
    Kind(
        "享年",
        f"卒，年(?:僅|纔)?({NUMBER})[，。]",
        ("{name}享年幾歲？", "{name}幾歲過世？"),
    ),
    Kind(
        "父",
        f"[，。]({TEXT}{{1,6}}?)之?子也?[，。]",
        ("{name}是誰的兒子？", "{name}的父親是誰？"),
        NO_FATHER,
    ),
    Kind(
        "兄",
        f"[，。]({TEXT}{{1,6}}?)之?弟也?[，。]",
        ("{name}是誰的弟弟？", "{name}的哥哥是誰？"),
        "[從兄昆子女與其族母登]|^亦?[知易]$",
    ),
    Kind(
        "祖",
        f"[，。]({TEXT}{{1,6}}?)之?孫也?[，。]",
        ("{name}是誰的孫子？", "{name}的祖父是誰？"),
        "[自族弟字]|[曾玄世裔諸從子外公王]$",
    ),
    Kind(
        "存詩",
        f"{NUMBER}{TEXT}*[，。].*詩({NUMBER}[首卷篇])。$",  # another number tempts, too
        ("《全唐詩》收錄{name}多少詩？", "{name}的詩在《全唐詩》裡有多少？"),
    ),
)


@dataclass(frozen=True)
class Life:
    """A poet and what the 全唐詩 says about him or her."""

    name: str
    text: str


def lives(package: Path) -> list[Life]:
    """Lives in the words of 1705."""
    poets = {entry["author"] for entry in poems_of_1705(package)}
    (content,) = read_members(package, MEMBER).values()
    convert = OpenCC("t2tw").convert
    found: dict[str, Life] = {}
    for author in json.loads(content):
        name, text = convert(author["name"]), convert((author["desc"].split() or [""])[0])
        text = text.translate(str.maketrans("“”‘’", "「」『』"))
        plain = re.fullmatch(f"[{HAN}，。、；：？！「」『』《》·]+", text)
        if author["name"] in poets and text.startswith(name) and plain and not MODERN.search(text):
            found.setdefault(name, Life(name, text))
    return list(found.values())


def questions(life: Life) -> Iterator[dict[str, object]]:
    """A question for every kind whose answer is there, and there only once."""
    for kind in KINDS:
        matches = list(re.finditer(kind.pattern.replace("{name}", re.escape(life.name)), life.text))
        if len(matches) != 1:
            continue
        answer, start = matches[0][1], matches[0].start(1)
        if re.search(kind.refused, answer):
            continue
        wording = kind.questions[sum(map(ord, life.name)) % len(kind.questions)]
        yield {
            "kind": kind.name,
            "question": wording.format(name=life.name),
            "answer": answer,
            "start": start,
        }


def main() -> None:
    """Write a record a poet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("packages", type=Path)
    package = find_package(parser.parse_args().packages, "chinese-poetry-")
    asked = {life: list(questions(life)) for life in lives(package)}
    poets = [life for life, items in asked.items() if items]
    parts = random_parts((life.name for life in poets), PARTS, SEED)
    write_records(
        OUTPUT / "poet_qa.jsonl.xz",
        (
            {"poet": p.name, "part": parts[p.name], "text": p.text, "questions": asked[p]}
            for p in poets
        ),
    )
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for life in poets:
        counts[parts[life.name]].update(str(item["kind"]) for item in asked[life])
    for part, kinds in counts.items():
        print(part, sum(kinds.values()), dict(kinds))
    record(OUTPUT, __file__, [package], ["opencc"])


if __name__ == "__main__":
    main()
