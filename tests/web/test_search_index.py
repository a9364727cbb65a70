"""The index: how text is cut, how pages become sections, what is packed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlbook.web.search_index import Section, build_index, read_page, terms

PAGE = """<html><nav>選單</nav><article><section id="a"><h1>注意力<a class="headerlink" href="#a">#</a></h1>
<p>梯度<b>下降</b>。<math><mi>x</mi></math></p><section id="b-1"><h2>遮罩</h2><pre>causal_mask(3)</pre>
<img src="x.png" alt="三條線"><script>var x;</script><p>看不到<br>未來</p></section></section></article></html>"""


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("梯度下降", ["梯度", "度下", "下降"]),
        ("Adam 很快", ["adam", "很快"]),
        ("字", ["字"]),
        ("ＡＢＣ１２", ["abc12"]),
        ("top_k", ["top_k", "top", "k"]),
        ("C++ 與 c", ["c++", "與", "c"]),
        ("Β₁、Δt", ["β", "1", "δ", "t"]),
        ("，。！", []),
    ],
)
def test_terms(text: str, cut: list[str]) -> None:
    assert terms(text) == cut


@given(st.text(alphabet="梯度下降abc_ ，", max_size=30))
def test_a_part_of_a_text_is_found_by_its_terms(text: str) -> None:
    whole = set(terms(text))
    for term in whole:
        assert set(terms(term)) <= whole


def test_a_page_becomes_sections() -> None:
    first, second = read_page("m/x.html", PAGE)
    assert (first.url, first.page, first.heading) == ("m/x.html", "注意力", "注意力")
    assert "".join(first.text).split() == ["梯度下降。"]
    assert (second.url, second.page, second.heading) == ("m/x.html#b-1", "注意力", "遮罩")
    assert "".join(second.text).split() == ["〔圖：三條線〕", "看不到", "未來"]
    assert "".join(second.code) == "causal_mask(3)"


def test_the_index_is_packed() -> None:
    sections = [
        Section("a.html", "甲", "甲", ["梯度 梯度"]),
        Section("b.html", "乙", "乙", ["別的"]),
        Section("c.html", "丙", "丙", ["梯度"], ["x_y"]),
    ]
    script = build_index(sections)
    data = json.loads(script.removeprefix("window.DL_SEARCH = ").rstrip(";\n"))
    assert data["terms"]["梯度"] == "0:2 2"
    assert data["terms"]["x_y"] == "2"
    assert data["docs"][2] == ["c.html", "丙", "丙", "梯度"]
