"""The tables say what the raw results say."""

import json
from pathlib import Path

import pytest

from grasp_affordance.errors import ConfigError
from research.log_piles.candidates import CandidateRow, JudgedImage, images_to_json
from research.log_piles.report import (
    candidate_table,
    difference_text,
    fault_text,
    label_table,
    read_runs,
    threshold_table,
    valid_difference,
)


def image(name: str, *rows: tuple[float, str]) -> JudgedImage:
    return JudgedImage(
        name,
        tuple(
            CandidateRow(
                name, score, 0, 0, 0, 1, 1, fault, None, None, "lifted" if fault == "none" else None
            )
            for score, fault in rows
        ),
    )


GOOD = image("a/0000", (0.9, "none"), (0.8, "none"))
MIXED = image("a/0000", (0.9, "none"), (0.4, "blocked"))
NONE = image("a/0001")


def write(folder: Path, name: str, images: list[JudgedImage], **facts: object) -> None:
    folder.mkdir(exist_ok=True)
    content = {"seed": 0, "images": images_to_json(images), **facts}
    (folder / f"{name}-seed{content['seed']}.json").write_text(json.dumps(content))


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "raw"
    for seed in (0, 1):
        write(folder, "dense-exact", [GOOD, NONE], network="dense", labels="exact", seed=seed)
        write(folder, "dense-auto", [MIXED, NONE], network="dense", labels="auto", seed=seed)
    masks = [{"end": "annotated", "iou": 0.9}, {"end": "double_pick", "iou": None}]
    write(folder, "labels-train-auto", [MIXED], kind="train", labels="auto", masks=masks)
    return folder


def test_the_table_of_detectors_pools_seeds_and_keeps_the_papers_figures_apart(
    results: Path,
) -> None:
    table = candidate_table(read_runs(results), 0.3)
    rows = [line for line in table.splitlines() if line.startswith("| dense")]
    assert [row.split(" | ")[1] for row in rows] == ["exact", "automatic"]
    assert "| 2 × 2 | 1.0 | 100.0 %" in rows[0]
    assert "| 2 × 2 | 1.0 | 50.0 %" in rows[1]
    assert "| 50.0 % / 50.0 % |" in rows[0]  # images without candidates count as misses
    assert "81.17 %" in table
    assert "83.43 %" in table


def test_thresholds_and_differences_are_those_of_the_candidates_above_them(results: Path) -> None:
    runs = read_runs(results)
    low, high = threshold_table(runs, "dense", (0.3, 0.5)).splitlines()[2:]
    assert low.startswith("| 0.30 | 100.0 % | 1.0 | 50.0 % | 1.0 | -50.0 (")
    assert high.startswith("| 0.50 | 100.0 % | 1.0 | 100.0 % | 0.5 | +0.0 (")
    assert difference_text(runs, "dense", 0.95) == "–"
    assert fault_text(runs, "dense", "auto", 0.3) == "blocked 2"
    assert fault_text(runs, "dense", "exact", 0.3) == "nothing"


def test_only_detectors_tested_on_the_same_images_are_compared() -> None:
    found = valid_difference([GOOD], [MIXED], 0.3)
    assert found is not None
    assert found[0] == pytest.approx(0.5)
    with pytest.raises(ConfigError, match="same images"):
        valid_difference([GOOD], [NONE], 0.3)


def test_the_table_of_labels_counts_pairs_masks_and_rectangles(results: Path) -> None:
    (row,) = label_table(read_runs(results)).splitlines()[2:]
    assert row.startswith("| automatic, train | 2 | 1 (50.0 %) | 0.900 (0.900) | 2 | 50.0 % |")


def test_a_file_that_is_no_result_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "x-seed0.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"x-seed0\.json"):
        read_runs(tmp_path)
