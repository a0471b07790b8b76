"""Reviews: equal to their JSON and their CSV, every mistake one sentence, and what they do to a recipe."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnviz.data import open_dataset
from cnnviz.data.review import (
    MOST_BYTES,
    Decision,
    Review,
    merge,
    review_from_csv,
    review_from_json,
    review_of,
    review_to_csv,
    review_to_json,
    with_review,
)
from cnnviz.errors import DataError
from cnnviz.recipe import MOST_IMAGES, SPLITS, Data

DIGITS = Data(dataset="digits", image_size=(8, 8), channels=1)
HEADER = "image,decision,head,label,split\n"


def review(decisions=None, dataset="digits", **more):
    return Review.model_validate({"dataset": dataset, "decisions": decisions or more})


ALL = review(
    {
        "#1": {},
        "#2": {"leave_out": True},
        "#3": {"labels": {"label": "4"}},
        "#4": {"split": "test"},
        "#5": {"labels": {"label": "6", "style": "a; b"}, "split": "train"},
        'a, "b"; c=1/é.jpg': {"labels": {"label": '"'}},
    }
)
TABLE = """image,decision,head,label,split
#1,keep,,,
#2,leave out,,,
#3,relabel,label,4,
#4,move,,,test
#5,relabel,label,6,
#5,relabel,style,a; b,
#5,move,,,train
"a, ""b""; c=1/é.jpg",relabel,label,\"\"\"\",
"""


def test_a_table_has_a_row_for_each_head_and_the_move() -> None:
    assert review_to_csv(ALL) == TABLE
    assert review_from_csv(TABLE, "digits") == ALL


names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=9).filter(str.isprintable)
decisions = st.one_of(
    st.just(Decision(leave_out=True)),
    st.builds(
        lambda labels, split: Decision.model_validate({"labels": labels, "split": split}),
        st.dictionaries(names, names, max_size=3),
        st.none() | st.sampled_from(SPLITS),
    ),
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(names, decisions, max_size=5))
def test_a_review_equals_its_json_and_its_table(decided: dict) -> None:
    made = review(decided)
    assert review_from_json(review_to_json(made)) == made
    assert review_from_json(b"\xef\xbb\xbf" + review_to_json(made).encode()) == made
    assert review_from_csv(review_to_csv(made), "digits") == made
    assert hash(review_from_csv(review_to_csv(made).encode("utf-8-sig"), "digits")) == hash(made)


def test_tables_as_spreadsheets_write_them() -> None:
    excel = "\ufeffImage; Decision ;Head;Label;Split\r\n#3;Relabel;label;4;\r\n;;;;\r\n#2;LEAVE OUT;;;\r\n".encode()
    assert review_from_csv(excel, "digits") == review({"#3": {"labels": {"label": "4"}}, "#2": {"leave_out": True}})
    assert review_from_csv("decision,image\nkeep,#1", "digits") == review({"#1": {}})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no column 'image': its first line should be image,decision,head,label,split"),
        ("image\n#1", "has no column 'decision'"),
        ("image,decision,lable\n", r"has a column 'lable': choose one of image, .*mean 'label'\?"),
        ("image,decision,image\n", "has two columns 'image'"),
        (HEADER + "#1,leave,,,", r"Line 2 .* has the decision 'leave': choose one of keep, leave out, .*'leave out'\?"),
        (HEADER + "#1,keep,,,\n#2,keep,label,,", "Line 3 of the review says keep, which takes neither head, label nor"),
        (HEADER + "#1,relabel,label,,", "Line 2 of the review says relabel, which takes head and label"),
        (HEADER + "#1,relabel,label,4,test", "says relabel, which takes head and label"),
        (HEADER + "#1,move,,,", "says move, which takes split"),
        (HEADER + "#1,move,,,tset", r"decisions\.#1\.split is 'tset': choose one of train, .*mean 'test'\?"),
        (HEADER + "#1,keep,,,,x", "Line 2 of the review has 6 cells, but there are 5 columns"),
        (HEADER + '"#1,keep,,,', "Line 2 of the review is not CSV: unexpected end of data"),
        (HEADER + "#1,keep,,,\n#1,keep,,,", "Line 3 of the review decides on '#1' again"),
        (HEADER + "#1,keep,,,\n#1,move,,,test", "decides on '#1' again"),
        (HEADER + "#1,leave out,,,\n#1,relabel,label,4,", "decides on '#1' again"),
        (HEADER + "#1,move,,,test\n#1,leave out,,,", "decides on '#1' again"),
        (HEADER + "#1,move,,,test\n#1,move,,,test", "decides on '#1' again"),
        (HEADER + "#1,relabel,label,4,\n#1,relabel,label,5,", "decides on '#1' again"),
        (HEADER + ",keep,,,", "at least 1 character"),
        (HEADER + '"a\nb",keep,,,', "has characters that can't be printed"),
        (HEADER + "a" * 1001 + ",keep,,,", "at most 1000 characters"),
        (HEADER + "\n".join(f"#{n},keep,,," for n in range(MOST_IMAGES + 1)), "at most 10000 items"),
        ("x" * (MOST_BYTES + 1), r"has 10\.0 MB; at most 10 MB are read"),
        (b"image,decision\n\xff,keep", "is not UTF-8 text"),
    ],
)
def test_a_mistake_in_a_table_is_one_sentence(text: str | bytes, said: str) -> None:
    with pytest.raises(DataError, match=said) as caught:
        review_from_csv(text, "digits")
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "The review is not JSON"),
        ("[" * 100_000, "The review is not JSON: .*recursion"),
        (b"\xff", "is not UTF-8 text"),
        ("[1]", r"The review is \[1\]; expected a JSON object with dataset and decisions"),
        ("{}", "The review lacks 'dataset'"),
        ('{"dataset": "a", "decisions": {"b": 3}}', "b is 3: expected an object with leave_out, labels and split"),
        ('{"dataset": "a", "decisions": {"b": {"label": {}}}}', r"no key 'decisions\.b\.label': .*mean 'labels'\?"),
        ('{"dataset": "a", "decisions": {"b": {"leave_out": true, "split": "test"}}}', "neither labels nor a split"),
        ('{"dataset": "a", "decisions": {"b": {"split": "tset"}}}', r"mean 'test'\?"),
        ('{"dataset": "a", "decisions": {"b\\n": {}}}', "can't be printed"),
        ("x" * (MOST_BYTES + 1), "at most 10 MB"),
    ],
)
def test_a_mistake_in_json_is_one_sentence(text: str | bytes, said: str) -> None:
    with pytest.raises(DataError, match=said) as caught:
        review_from_json(text)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def edited(**edits):
    return Data.model_validate(DIGITS.model_dump() | edits)


BEFORE = edited(without=["#7", "#2"], labels={"#3": {"style": "b"}, "#8": {"label": "0"}}, splits={"#1": "train"})


def test_a_decision_takes_the_place_of_what_was_said_before() -> None:
    after = with_review(BEFORE, ALL)
    other = {'a, "b"; c=1/é.jpg': {"label": '"'}, "#5": {"label": "6", "style": "a; b"}}
    assert after == edited(
        without=["#7", "#2"],
        labels={"#3": {"label": "4"}, "#8": {"label": "0"}, **other},
        splits={"#4": "test", "#5": "train"},
    )
    assert hash(after) == hash(Data.model_validate_json(after.model_dump_json()))
    assert with_review(BEFORE, review()) == BEFORE


def test_keep_takes_everything_back() -> None:
    names = (*BEFORE.without, *BEFORE.labels, *BEFORE.splits)
    assert with_review(BEFORE, review({name: {} for name in names})) == DIGITS


def test_a_recipe_is_its_own_review() -> None:
    for data in (DIGITS, BEFORE, with_review(DIGITS, ALL)):
        assert with_review(DIGITS, review_of(data)) == data
        assert with_review(data, review_of(data)) == data
    both = edited(without=["#1"], labels={"#1": {"label": "3"}}, splits={"#1": "test"})
    assert review_of(both) == review({"#1": {"leave_out": True}})


def test_later_decisions_win() -> None:
    later = review({"#2": {}, "#3": {"split": "test"}, "#9": {"leave_out": True}})
    both = merge(ALL, later)
    assert both.decisions == {**ALL.decisions, **later.decisions}
    assert with_review(with_review(BEFORE, ALL), later) == with_review(BEFORE, both)


@pytest.mark.parametrize(
    ("one", "other", "fits"),
    [
        ("digits", "mnist", False),
        ("/data/pets", "/home/me/pets", True),
        ("pets", "/data/pets.zip", True),
        ("pets.npz", "pets", True),
        ("/pets/cats", "/pets/dogs", False),
    ],
)
def test_a_review_of_another_data_set_is_a_sentence(one: str, other: str, fits: bool) -> None:
    theirs, data = review({"#1": {"split": "test"}}, one), DIGITS.model_copy(update={"dataset": other})
    if fits:
        assert with_review(data, theirs).splits == {"#1": "test"}
        assert merge(review({}, other), theirs).dataset == other
        return
    for attempt in (lambda: with_review(data, theirs), lambda: merge(review({}, other), theirs)):
        with pytest.raises(DataError, match=f"is of the data set '{one}', not of '{other}'"):
            attempt()


def test_too_many_decisions_are_a_sentence() -> None:
    many = [f"#{n}" for n in range(MOST_IMAGES)]
    full = edited(without=many)
    with pytest.raises(DataError, match="would change 10,001 images in one way; at most 10,000"):
        with_review(full, review({"#a": {"leave_out": True}}))
    with pytest.raises(DataError, match="A review of 10,001 images is too large"):
        review_of(edited(without=many, splits={"#a": "test"}))
    with pytest.raises(DataError, match="A review of 10,001 images is too large"):
        merge(review_of(full), review({"#a": {}}))


def test_what_was_decided_is_what_the_data_then_has() -> None:
    data = with_review(DIGITS, review({"#2": {"leave_out": True}, "#3": {"labels": {"label": "4"}, "split": "test"}}))
    test = open_dataset(data).splits["test"]
    assert (test.name_of(len(test) - 1), test.labels["label"][-1]) == ("#3", 4)
    with pytest.raises(DataError, match="no image '#9999' to move"):
        open_dataset(with_review(DIGITS, review({"#9999": {"split": "test"}})))
