"""The tables say what the raw results say."""

import json
from pathlib import Path

import pytest

from grasp_affordance.errors import ConfigError
from research.log_piles.candidates import CandidateRow, ScoredImage, images_to_json
from research.log_piles.report import (
    candidate_rows,
    label_rows,
    read_runs,
)


def image(name: str, *rows: tuple[float, str]) -> ScoredImage:
    return ScoredImage(
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


def write(folder: Path, name: str, images: list[ScoredImage], **facts: object) -> None:
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
    first, second, manual, automatic = candidate_rows(read_runs(results), 0.3)
    assert [first[1], second[1]] == ["exact", "automatic"]
    assert first[2:4] == ("2 × 2", "1.0")
    assert first[4].startswith("100.0 %")
    assert second[4].startswith("50.0 %")
    assert first[-1] == "50.0 % / 50.0 %"  # images without candidates count as misses
    assert (manual[4], automatic[4]) == ("83.43 %", "81.17 %")


def test_the_table_of_labels_counts_pairs_masks_and_rectangles(results: Path) -> None:
    (row,) = label_rows(read_runs(results))
    assert row[:6] == ("automatic, train", "2", "1 (50.0 %)", "0.900 (0.900)", "2", "50.0 %")


def test_a_file_that_is_no_result_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "x-seed0.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"x-seed0\.json"):
        read_runs(tmp_path)
