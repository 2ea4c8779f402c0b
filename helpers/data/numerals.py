"""Numbers in English words and in Chinese characters: a language pair that needs no download.

Scope: the whole numbers from 0 to 99,999,999, written out in both languages, and drawn so that
every length is equally likely and no number is both learned from and tested on. English groups the
digits by thousands, Chinese by ten thousands: "one hundred and twenty thousand" is 十二万.

Sources. English: the rule of the library num2words,
https://github.com/savoirfairelinux/num2words, without its commas. 零: the rules "spellout" of the
Unicode CLDR, https://github.com/unicode-org/cldr, ``common/rbnf/zh.xml``. 十: the style
"simp-chinese-informal" of https://www.w3.org/TR/css-counter-styles-3/. 两: the note on 两 in the
dictionary Xiandai Hanyu Cidian (《现代汉语词典》), quoted at
https://ltx.ustb.edu.cn/wxqy/zscl/bddd1e18b41c4d94bc42035c55f449eb.htm. Where they leave a choice,
the docstrings say what was chosen.

Dimensions: ``N`` numbers.
"""

import torch
from jaxtyping import Int
from torch import Tensor

from helpers.contracts import Count, Size, guard
from helpers.data.entries import Integers, checked_integers
from helpers.refusals import check_numbers, refusal

__all__ = [
    "PINYIN",
    "chinese_numeral",
    "draw_numbers",
    "english_numeral",
    "held_out_numbers",
]

_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
)
_TENS_WORDS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety"
_SOUNDS = "líng yī èr sān sì wǔ liù qī bā jiǔ shí bǎi qiān wàn liǎng"

PINYIN = dict(zip("零一二三四五六七八九十百千万两", _SOUNDS.split(" "), strict=True))

_LENGTHS = 8  # digits of the longest number
_SHARE = 10  # of the numbers of a length, at most one in so many is held out
_TO_NINETEEN, _TENS = _WORDS.split(" "), _TENS_WORDS.split(" ")
_DIGITS = "零一二三四五六七八九"
_UNITS = ("", "十", "百", "千")


def english_numeral(number: Count) -> str:
    """Write a number below 100 million in British English: ``"one hundred and twenty-one"``.

    The digits are grouped by thousands. Within a group, "and" stands between the hundreds and the
    rest; it also stands before a last group below one hundred ("two thousand and five"). Compounds
    from 21 to 99 have a hyphen. There are no commas.
    """
    _check(number)
    millions, thousands, rest = number // 10**6, number // 1000 % 1000, number % 1000
    words = [f"{_group(millions)} million"] if millions else []
    words += [f"{_group(thousands)} thousand"] if thousands else []
    if words and 0 < rest < 100:
        words.append("and")
    if rest or not words:
        words.append(_group(rest))
    return " ".join(words)


def _group(number: int) -> str:
    hundreds, rest = divmod(number, 100)
    if hundreds:
        words = f"{_TO_NINETEEN[hundreds]} hundred"
        return f"{words} and {_group(rest)}" if rest else words
    if rest < 20:
        return _TO_NINETEEN[rest]
    tens, ones = divmod(rest, 10)
    return f"{_TENS[tens]}-{_TO_NINETEEN[ones]}" if ones else _TENS[tens]


def chinese_numeral(number: Count) -> str:
    """Write a number below 100 million in Chinese characters: ``"十二万"`` is 120,000.

    The digits are grouped by ten thousands. Each but zero is followed by its unit, 十, 百 or 千,
    and the upper group by 万.

    - 零: zeros at the end of a group are not written. Any other zero is, and several in a row, also
      across 万, are written once: 一百零五 (105), 一千零五 (1,005), 十万零五 (100,005), but
      二十万五千 (205,000). The number 0 is 零.
    - 十 instead of 一十 where the number begins with it: 十五 (15), 十二万 (120,000). Elsewhere
      一十: 一百一十五 (115).
    - 两 instead of 二 where the number begins with it and 千 or 万 comes next: 两千 (2,000), 两万
      (20,000), 两千万 (20,000,000). Elsewhere 二: 二百 (200), 二十万 (200,000), 三万二千 (32,000).
      The dictionary allows either before 千 and 万, and prefers 二 for 千 after 万; many speakers
      also say 两百.
    """
    _check(number)
    if number == 0:
        return _DIGITS[0]
    upper, lower = divmod(number, 10**4)
    text = f"{_four(upper)}万" if upper else ""
    if upper and 0 < lower < 1000:
        text += _DIGITS[0]
    text += _four(lower)
    if text.startswith("一十"):
        return text[1:]
    return f"两{text[1:]}" if text.startswith(("二千", "二万")) else text


def _four(number: int) -> str:
    text = ""
    for place in (3, 2, 1, 0):
        digit = number // 10**place % 10
        if digit:
            text += _DIGITS[digit] + _UNITS[place]
        elif text and not text.endswith(_DIGITS[0]):
            text += _DIGITS[0]
    return text.rstrip(_DIGITS[0])


def held_out_numbers(
    per_length: Size, *, generator: torch.Generator | None = None
) -> Int[Tensor, " N"]:
    """Draw different numbers to be kept from training, equally many of each length.

    Of a length with few numbers a tenth is drawn: 9 numbers of two digits, 90 of three. None has
    one digit, for "zero" occurs in no other number.

    Returns:
        The numbers, from the shortest to the longest, in random order within a length: every second
        one makes a set for validation, the others one for the test.
    """
    drawn = []
    for length in range(2, _LENGTHS + 1):
        first, count = _range(length)
        wanted, found = min(per_length, count // _SHARE), torch.empty(0, dtype=torch.int64)
        while len(found) < wanted:
            more = first + torch.randint(count, (wanted,), generator=generator)
            found = _without_repeats(torch.cat([found, more]))
        drawn.append(found[:wanted])
    return torch.cat(drawn)


def draw_numbers(
    count: Size, *, held_out: Integers = (), generator: torch.Generator | None = None
) -> Int[Tensor, " {count}"]:
    """Draw numbers to train on: each length of 1 to 8 digits is equally likely.

    Within a length all numbers are equally likely, but for those in ``held_out``, which never come.
    Short numbers therefore come again and again, and long ones hardly ever.

    Args:
        count: how many.
        held_out: numbers that must not come, such as :func:`held_out_numbers` draws.
    """
    kept_away = checked_integers("held_out", held_out)
    if len(kept_away):
        check_numbers("held_out", kept_away, 0, 10**_LENGTHS - 1)
    for length in range(1, _LENGTHS + 1):
        first, size = _range(length)
        own = kept_away[(kept_away >= first) & (kept_away < first + size)]
        if len(own.unique()) == size:
            raise refusal("held_out", f"leave one of the {size} numbers of length {length}", size)
    lengths = torch.randint(_LENGTHS, (count,), generator=generator)  # (N,), less one
    numbers = torch.full((count,), -1)
    missing = torch.ones(count, dtype=torch.bool)
    while missing.any():
        for length in range(_LENGTHS):
            first, size = _range(length + 1)
            places = missing & (lengths == length)
            drawn = torch.randint(size, (int(places.sum()),), generator=generator)
            numbers[places] = first + drawn
        missing = torch.isin(numbers, kept_away)
    return numbers


def _range(length: int) -> tuple[int, int]:
    """Return the first number with so many digits, and how many there are; 0 has one digit."""
    first = 10 ** (length - 1) if length > 1 else 0
    return first, 10**length - first


def _without_repeats(numbers: Tensor) -> Tensor:
    """Return each number once, in the order of their first places."""
    return torch.tensor(list(dict.fromkeys(numbers.tolist())), dtype=numbers.dtype)


def _check(number: int) -> None:
    if number >= 10**_LENGTHS:
        raise refusal("number", f"be below {10**_LENGTHS:,}", number)


guard(globals())
