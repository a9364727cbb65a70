"""Reviews: balanced, Traditional, none twice, and a bag of character pairs tells them apart."""

import re

import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from dlbook import datasets
from dlbook.datasets import Review, Reviews
from dlbook.traditional import simplified_characters


@pytest.fixture(scope="module")
def reviews() -> Reviews:
    return datasets.reviews()


def han(text: str) -> str:
    return re.sub("[^\u4e00-\u9fff]", "", text)


def test_counts_and_balance(reviews: Reviews) -> None:
    assert [len(p) for p in (reviews.train, reviews.valid, reviews.test)] == [8_746, 1_222, 2_594]
    for part in (reviews.train, reviews.valid, reviews.test):
        assert sum(review.label for review in part) * 2 == len(part)
        assert {review.label for review in part} == {0, 1}


def test_length(reviews: Reviews) -> None:
    for review in (*reviews.train, *reviews.valid, *reviews.test):
        assert 9 <= len(han(review.text)) <= 165


def test_traditional_and_without_addresses(reviews: Reviews) -> None:
    text = "\n".join(review.text for part in vars(reviews).values() for review in part)
    assert simplified_characters(text) <= set("熏胜")
    assert "軟體" in text
    assert "記憶體" in text
    assert not re.search(r"https?:|www|@\w|\d{7}|\ufffd", text)


def test_none_is_in_two_parts_nor_nearly_so(reviews: Reviews) -> None:
    def grams(part: tuple[Review, ...]) -> list[set[str]]:
        texts = [han(review.text) for review in part]
        return [{text[i : i + 6] for i in range(len(text) - 5)} for text in texts]

    known = set().union(*grams(reviews.train))
    copied = [len(g & known) / len(g) > 0.6 for g in grams(reviews.test)]
    assert sum(copied) / len(copied) < 0.01
    texts = [han(review.text) for part in vars(reviews).values() for review in part]
    assert len(texts) == len(set(texts))


def test_character_pairs_tell_them_apart(reviews: Reviews) -> None:
    vectors = CountVectorizer(analyzer="char", ngram_range=(1, 2), min_df=2, binary=True)
    inputs = vectors.fit_transform([review.text for review in reviews.train])
    model = LogisticRegression(C=0.1, max_iter=200).fit(
        inputs, [review.label for review in reviews.train]
    )
    tested = vectors.transform([review.text for review in reviews.test])
    accuracy = model.score(tested, [review.label for review in reviews.test])
    assert accuracy > 0.8


def test_labels_mean_what_they_say(reviews: Reviews) -> None:
    for word, label in (("非常滿意", 1), ("非常失望", 0), ("垃圾", 0), ("受益匪淺", 1)):
        labels = [review.label for review in reviews.train if word in review.text]
        assert len(labels) >= 10
        assert sum(value == label for value in labels) / len(labels) > 0.75
