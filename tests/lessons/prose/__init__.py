"""For every page of the course: where the numbers in its prose come from, one line a fragment."""

from tests.lessons.prose import lesson_01, lesson_02, lesson_03, lesson_04, lesson_05, lesson_06
from tests.lessons.prose.pages import PAGES

TABLES = PAGES | {
    "01_alexnet": lesson_01.TABLE,
    "02_transformer_theory": lesson_02.TABLE,
    "03_synthetic_training": lesson_03.TABLE,
    "04_imdb_classification": lesson_04.TABLE,
    "05_gan": lesson_05.TABLE,
    "06_loan_calculator": lesson_06.TABLE,
}
