"""How benchmarks are run and told: jobs in processes of their own, tables, and the page."""

import json
import os
import shutil

import pytest
import torch

import benchmarks.__main__ as bench
from benchmarks.jobs import Job, run_jobs
from benchmarks.report import machine, spread, table
from course import places


def squares(upto: int) -> dict:
    return {"squares": [n * n for n in range(upto)], "threads": torch.get_num_threads()}


def failing() -> dict:
    raise ValueError("no such thing")


def process() -> dict:
    return {"id": os.getpid()}


def test_jobs_return_what_their_functions_do_in_order_with_their_memory():
    results = run_jobs([Job(squares, {"upto": n}, threads=n) for n in (1, 2)], side_by_side=2)
    assert [result["squares"] for result in results] == [[0], [0, 1]]
    assert [result["threads"] for result in results] == [1, 2]
    assert all(0.01 < result["memory"] < 10 for result in results)


def test_each_job_has_a_process_of_its_own():
    ids = {result["id"] for result in run_jobs([Job(process), Job(process)])}
    assert len(ids | {os.getpid()}) == 3


def test_a_failed_job_says_what_it_printed():
    with pytest.raises(RuntimeError, match=r"test_page:failing \{\} failed:[^$]*no such thing"):
        run_jobs([Job(failing)])


def test_a_table_is_markdown_with_numbers_to_the_right():
    told = table(["model", "accuracy"], [["words", "0.88"], ["pairs", "0.89"]])
    assert told == ("| model | accuracy |\n| --- | ---: |\n| words | 0.88 |\n| pairs | 0.89 |")


def test_a_spread_is_mean_and_sample_deviation():
    assert spread([2.0, 4.0, 6.0], 1) == "4.0 ± 2.0"
    assert spread([0.125], 2) == "0.12"


def test_the_machine_is_described():
    facts = machine()
    assert facts["torch"] == torch.__version__.partition("+")[0]
    assert all(isinstance(fact, str) and fact for fact in facts.values())


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """Folders for what is measured and what is published, and one subject."""
    built, published = tmp_path / "build" / "bench", tmp_path / "results"
    monkeypatch.setattr(places, "ROOT", tmp_path)
    monkeypatch.setattr(bench, "BUILD", built)
    monkeypatch.setattr(bench, "PUBLISHED", published)
    monkeypatch.setattr(bench, "ALL", {"attention": "", "subject": ""})

    class Module:
        @staticmethod
        def measure(quick):
            return {"sizes": "small" if quick else "full"}

        @staticmethod
        def tell(results, folder):
            assert folder.is_dir()
            return f"## Subject\n\nMeasured at {results['sizes']} size.\n"

    monkeypatch.setattr(bench.importlib, "import_module", lambda name: Module)
    return built, published


def test_full_results_are_written_told_and_published(kept, capsys):
    built, published = kept
    bench.measure(["subject"], quick=False)
    page = (built / "README.md").read_text("utf-8")
    assert "Measured at full size." in page
    assert f"torch {machine()['torch']}" in page
    assert "Quick figures" not in page
    assert "See build/bench/README.md" in capsys.readouterr().out.replace(os.sep, "/")
    bench.publish()
    assert (published / "README.md").read_text("utf-8") == page
    assert json.loads((published / "subject.json").read_text("utf-8"))["quick"] is False


def test_quick_results_say_so_and_are_not_published(kept):
    built, published = kept
    bench.measure(["subject"], quick=True)
    assert "Quick figures, nothing follows from them." in (built / "README.md").read_text("utf-8")
    with pytest.raises(SystemExit, match=r"subject.json holds quick figures"):
        bench.publish()
    assert not published.exists()


def test_the_published_page_is_what_its_figures_tell(tmp_path):
    for path in bench.PUBLISHED.glob("*.json"):
        shutil.copy(path, tmp_path)
    bench.write_page(tmp_path)
    page = (tmp_path / "README.md").read_text("utf-8")
    assert (bench.PUBLISHED / "README.md").read_text("utf-8") == page
    drawn = {path.name for path in tmp_path.glob("*.png")}
    assert {path.name for path in bench.PUBLISHED.glob("*.png")} == drawn
