"""For every page of the course: where the numbers in its prose come from, one line a fragment."""

from tests.lessons.prose import (
    lesson_01,
    lesson_02a,
    lesson_02b,
    lesson_03,
    lesson_04,
    lesson_05,
    lesson_06,
)
from tests.lessons.prose.pages import PAGES

TABLES = PAGES | {
    "01_alexnet": lesson_01.TABLE,
    "02a_transformer_theory_attention": lesson_02a.TABLE,
    "02b_transformer_theory_model": lesson_02b.TABLE,
    "03_synthetic_training": lesson_03.TABLE,
    "04_imdb_classification": lesson_04.TABLE,
    "05_gan": lesson_05.TABLE,
    "06_loan_calculator": lesson_06.TABLE,
}
