"""`grasp-affordance annotate`: labels from a sequence of removals."""

from pathlib import Path
from typing import Annotated

import tyro

from grasp_affordance.annotation.pair import AnnotationConfig
from grasp_affordance.annotation.records import PairRecord
from grasp_affordance.annotation.sequence_labels import annotate_sequence, count_reasons
from grasp_affordance.sequence import Sequence


def run(
    sequence: tyro.conf.Positional[Path],
    output: Path,
    config: Annotated[AnnotationConfig, tyro.conf.arg(name="")] = AnnotationConfig(),  # noqa: B008
) -> int:
    """Label what was removed between consecutive frames: mask, rectangles, or a named reason.

    Args:
        sequence: folder of NNNN.color.png, NNNN.depth.png and camera.json.
        output: folder for pairs.json, masks and pictures; unreviewed labels in it are replaced.
        config: of the annotation.
    """
    content = annotate_sequence(Sequence(sequence), output, config, progress=_report)
    counts = ", ".join(f"{name} {count}" for name, count in count_reasons(content.pairs).items())
    print(f"{len(content.pairs)} pairs: {counts}; labels in {output}")
    return 0


def _report(pair: PairRecord) -> None:
    what = str(pair.status) if pair.reason is None else f"{pair.status}: {pair.reason}"
    count = f"{len(pair.rectangles)} rectangles" if pair.annotated else pair.detail
    print(f"{pair.frames[0]} -> {pair.frames[1]}  {what}  ({count})", flush=True)
