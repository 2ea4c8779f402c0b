"""Numbers in English and in Chinese: cases written by hand, and the way back from the words."""

import re
from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from helpers.data import (
    PINYIN,
    chinese_numeral,
    draw_numbers,
    english_numeral,
    held_out_numbers,
)
from tests.helpers.data.draws import assert_the_generator_decides, assert_uniform, generator

LARGEST = 99_999_999
NUMBERS = st.integers(1, 8).flatmap(lambda n: st.integers(10 ** (n - 1), 10**n - 1)) | st.just(0)

# Source of the English: num2words writes these so, with a comma where two groups meet without
# "and". Sources of the Chinese stand in the module; each line says what it shows.
CASES = [
    (0, "zero", "零"),
    (2, "two", "二"),  # 两 only before 千 and 万
    (10, "ten", "十"),  # not 一十
    (15, "fifteen", "十五"),
    (19, "nineteen", "十九"),
    (20, "twenty", "二十"),
    (22, "twenty-two", "二十二"),
    (40, "forty", "四十"),
    (99, "ninety-nine", "九十九"),
    (100, "one hundred", "一百"),
    (105, "one hundred and five", "一百零五"),
    (110, "one hundred and ten", "一百一十"),  # 一十 inside
    (115, "one hundred and fifteen", "一百一十五"),
    (200, "two hundred", "二百"),
    (222, "two hundred and twenty-two", "二百二十二"),  # a test of the W3C, css3-counter-styles-072
    (540, "five hundred and forty", "五百四十"),  # another
    (1000, "one thousand", "一千"),
    (1005, "one thousand and five", "一千零五"),  # two zeros, written once
    (1010, "one thousand and ten", "一千零一十"),
    (1050, "one thousand and fifty", "一千零五十"),
    (1200, "one thousand two hundred", "一千二百"),
    (2000, "two thousand", "两千"),
    (2100, "two thousand one hundred", "两千一百"),  # "and" only below a hundred
    (2222, "two thousand two hundred and twenty-two", "两千二百二十二"),
    (3020, "three thousand and twenty", "三千零二十"),
    (10_000, "ten thousand", "一万"),
    (10_010, "ten thousand and ten", "一万零一十"),
    (11_000, "eleven thousand", "一万一千"),  # no zero inside
    (12_345, "twelve thousand three hundred and forty-five", "一万二千三百四十五"),
    (20_000, "twenty thousand", "两万"),
    (20_002, "twenty thousand and two", "两万零二"),
    (22_000, "twenty-two thousand", "两万二千"),
    (32_000, "thirty-two thousand", "三万二千"),  # the dictionary's own example
    (60_700, "sixty thousand seven hundred", "六万零七百"),
    (100_000, "one hundred thousand", "十万"),
    (100_005, "one hundred thousand and five", "十万零五"),  # four zeros on both sides of 万
    (100_800, "one hundred thousand eight hundred", "十万零八百"),
    (115_000, "one hundred and fifteen thousand", "十一万五千"),
    (120_000, "one hundred and twenty thousand", "十二万"),  # the example of the issue
    (200_000, "two hundred thousand", "二十万"),  # 二 before 十
    (205_000, "two hundred and five thousand", "二十万五千"),  # the zero ends the upper group
    (
        222_222,
        "two hundred and twenty-two thousand two hundred and twenty-two",
        "二十二万二千二百二十二",
    ),
    (1_000_000, "one million", "一百万"),
    (1_000_001, "one million and one", "一百万零一"),
    (1_005_000, "one million five thousand", "一百万五千"),  # ends the upper group
    (1_050_000, "one million fifty thousand", "一百零五万"),
    (1_100_000, "one million one hundred thousand", "一百一十万"),
    (2_000_000, "two million", "二百万"),
    (2_010_200, "two million ten thousand two hundred", "二百零一万零二百"),
    (10_000_000, "ten million", "一千万"),
    (10_000_010, "ten million and ten", "一千万零一十"),
    (10_100_000, "ten million one hundred thousand", "一千零一十万"),
    (12_000_000, "twelve million", "一千二百万"),
    (20_000_000, "twenty million", "两千万"),
    (20_002_000, "twenty million two thousand", "两千万二千"),
    (20_020_002, "twenty million twenty thousand and two", "两千零二万零二"),
    (
        30_405_060,
        "thirty million four hundred and five thousand and sixty",
        "三千零四十万五千零六十",
    ),
    (90_000_009, "ninety million and nine", "九千万零九"),
    (
        LARGEST,
        "ninety-nine million nine hundred and ninety-nine thousand nine hundred and ninety-nine",
        "九千九百九十九万九千九百九十九",
    ),
]


@pytest.mark.parametrize(("number", "english", "chinese"), CASES)
def test_a_number_is_written_as_by_hand(number, english, chinese):
    assert english_numeral(number) == english
    assert chinese_numeral(number) == chinese


def test_the_cases_by_hand_have_every_length():
    assert {len(str(number)) for number, _, _ in CASES} == set(range(1, 9))


ENGLISH = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
ENGLISH += " fifteen sixteen seventeen eighteen nineteen"
VALUES = {word: value for value, word in enumerate(ENGLISH.split(" "))}
TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
VALUES |= {word: 20 + 10 * place for place, word in enumerate(TENS.split(" "))}


def read_english(text):
    """The value, group by group, from the last word to the first."""
    total, scale, hundreds = 0, 1, 1
    for word in reversed(re.split("[ -]", text)):
        if word in ("thousand", "million"):
            scale, hundreds = {"thousand": 1000, "million": 10**6}[word], 1
        elif word == "hundred":
            hundreds = 100
        elif word != "and":
            total += VALUES[word] * hundreds * scale
    return total


def read_chinese(text):
    """The value: each digit times the unit behind it; what stands before 万 counts ten thousand."""
    if "万" in text:
        upper, lower = text.split("万")
        return 10**4 * read_chinese(upper) + read_chinese(lower)
    total = 0
    for digit, unit in re.findall("([一二两三四五六七八九]?)([千百十]|$)", text):
        worth = {"千": 1000, "百": 100, "十": 10, "": 1}[unit]
        value = "零一二三四五六七八九".find(digit.replace("两", "二")) if digit else int(unit != "")
        total += worth * value
    return total


@given(NUMBERS)
def test_both_ways_of_writing_can_be_read_back(number):
    assert read_english(english_numeral(number)) == number
    assert read_chinese(chinese_numeral(number)) == number


def test_small_numbers_are_all_different_and_can_be_read_back():
    for write, read in ((english_numeral, read_english), (chinese_numeral, read_chinese)):
        assert [read(write(number)) for number in range(20_000)] == list(range(20_000))


@given(NUMBERS)
def test_zeros_are_written_once_and_not_at_the_end_of_a_group(number):
    upper, lower = str(number)[:-4].rstrip("0"), str(number)[-4:].rstrip("0")
    zeros = len(re.findall("0+", f"{upper} {lower}")) if number else 1
    assert chinese_numeral(number).count("零") == zeros


@given(NUMBERS)
def test_only_the_beginning_of_a_number_has_a_two_or_a_ten_of_its_own(number):
    text, digits = chinese_numeral(number), str(number)
    assert "两" not in text[1:]
    assert (text[0] == "两") == (digits[0] == "2" and len(digits) in (4, 5, 8))
    assert (text[0] == "十") == (digits[0] == "1" and len(digits) in (2, 6))
    assert all(before in "一二三四五六七八九" for before in re.findall("(.)十", text))


@given(NUMBERS)
def test_and_stands_before_what_is_left_of_a_hundred(number):
    groups = [number // 10**6, number // 1000 % 1000, number % 1000]
    inside = sum(group > 100 and group % 100 > 0 for group in groups)
    before_the_last = number > 1000 and 0 < groups[2] < 100
    assert english_numeral(number).split(" ").count("and") == inside + before_the_last


def test_every_character_has_its_pinyin():
    assert set("".join(chinese for _, _, chinese in CASES)) == set(PINYIN)
    assert PINYIN["万"] == "wàn"
    assert PINYIN["两"] == "liǎng"
    assert "".join(PINYIN[character] for character in "零一二三四五") == "língyīèrsānsìwǔ"
    assert "".join(PINYIN[character] for character in "六七八九十百千") == "liùqībājiǔshíbǎiqiān"


def lengths_of(numbers):
    return torch.tensor([len(str(number)) for number in numbers.tolist()])


@pytest.mark.parametrize(("per_length", "of_three"), [(5, 5), (101, 90)])
def test_as_many_of_each_length_are_held_out_and_a_tenth_at_most(per_length, of_three):
    numbers = held_out_numbers(per_length, generator=generator())
    wanted = [min(per_length, 9), of_three, *5 * [per_length]]
    assert lengths_of(numbers).tolist() == [n for n, c in enumerate(wanted, 2) for _ in range(c)]
    assert len(numbers.unique()) == len(numbers)
    assert numbers.dtype == torch.int64


def test_any_number_of_a_length_may_be_held_out_and_in_any_order():
    drawn = torch.stack([held_out_numbers(1, generator=generator(seed)) for seed in range(997)])
    assert_uniform(drawn[:, 0] - 10, 90)
    assert_uniform(drawn[:, 6] // 10**6 - 10, 90)
    pairs = [held_out_numbers(2, generator=generator(seed)) for seed in range(499)]
    assert_uniform(torch.tensor([int(two[0] < two[1]) for two in pairs]), 2)


@pytest.mark.parametrize(
    "task",
    [partial(held_out_numbers, 7), partial(draw_numbers, 7, held_out=[3, 5])],
    ids=["held_out_numbers", "draw_numbers"],
)
def test_the_generator_decides(task):
    assert_the_generator_decides(lambda **options: [task(**options)])


def test_every_length_and_within_it_every_number_is_equally_likely():
    numbers = draw_numbers(10_007, generator=generator())
    assert numbers.shape == (10_007,)
    assert numbers.dtype == torch.int64
    lengths = lengths_of(numbers)
    assert_uniform(lengths - 1, 8)
    assert_uniform(numbers[lengths == 1], 10)
    assert_uniform(numbers[lengths == 2] - 10, 90)
    assert_uniform(numbers[lengths == 8] // 10**6 - 10, 90)
    assert_uniform(numbers[lengths == 8] % 100, 100)


def test_what_is_held_out_never_comes_and_the_lengths_stay_balanced():
    kept_away = [*range(9), *range(11, 100)]
    numbers = draw_numbers(10_007, held_out=kept_away, generator=generator())
    lengths = lengths_of(numbers)
    assert set(numbers[lengths == 1].tolist()) == {9}
    assert set(numbers[lengths == 2].tolist()) == {10}
    assert_uniform(lengths - 1, 8)


def test_training_and_test_share_no_number():
    held_out = held_out_numbers(101, generator=generator())
    numbers = draw_numbers(5003, held_out=held_out, generator=generator(5))
    assert not torch.isin(numbers, held_out).any()
