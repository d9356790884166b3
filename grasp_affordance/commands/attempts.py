"""`grasp-affordance attempts`: what a robot has tried, from its attempt log."""

import json
from collections import Counter
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.console import Console
from rich.progress import Progress

from grasp_affordance.attempt import GraspAttempt
from grasp_affordance.console import ReportTable
from grasp_affordance.errors import ConfigError
from grasp_affordance.learning.log.attempt_codec import to_json
from grasp_affordance.learning.log.attempt_log import LABELS, read_attempt, read_log
from grasp_affordance.learning.log.attempt_view import open_recording, record_log
from grasp_affordance.learning.log.pick_labelling import count_picks, label_log
from grasp_affordance.viewer import ViewerConfig

_SHOWN = 40  # the newest attempts that `list` shows


def run(
    log: tyro.conf.Positional[Path],
    action: tyro.conf.Positional[Literal["list", "show", "view", "label", "export"]] = "list",
    number: tyro.conf.Positional[int | None] = None,
    output: Path | None = None,
    format: Literal["mcap", "rosbag2", "lerobot"] = "mcap",  # noqa: A002
    viewer: Annotated[ViewerConfig, tyro.conf.arg(name="")] = ViewerConfig(),  # noqa: B008
) -> None:
    """List, show, view, label or export the attempts of a log.

    `label` writes LOG/labels/NNNN.json for each attempt that has none yet: what the pick did to the
    bin, the mask of the object that it took, the pixels where a cup would have sealed as well, and
    grasp rectangles; or the reason why there are none. The executor does the same as it picks.

    Args:
        log: folder that the executor's parameter record.directory, or `train --log`, names.
        action: list the newest attempts and the sizes; show one in full; view all with their
            images and labels; label all; export all.
        number: of the attempt to show, from 0.
        output: folder to export to; it must not exist.
        format: a bag in MCAP or SQLite (rosbag2's former default), with all attempts; or a LeRobot
            dataset of those that succeeded or failed, which needs the extra `lerobot`.
        viewer: of `view`, which needs the extra `watch`.
    """
    match action:
        case "list":
            _list(log)
        case "show":
            if number is None:
                raise ConfigError("show needs the number of an attempt, from 0")
            _show(log, number)
        case "view":
            _view(log, viewer)
        case "label":
            _label(log)
        case "export":
            if output is None:
                raise ConfigError("export needs --output, a new folder")
            _export(log, output, format)


def _list(log: Path) -> None:
    attempts = list(read_log(log, frames=False))
    table = ReportTable(title=f"{log}: {len(attempts)} attempts")
    for column in ("number", "pixel", "probability", "source", "weights", "outcome"):
        table.add_column(column)
    for number, attempt in list(enumerate(attempts))[-_SHOWN:]:
        table.add_row(str(number), *_cells(attempt))
    console = Console()
    console.print(table)
    if len(attempts) > _SHOWN:
        console.print(f"the newest {_SHOWN} of {len(attempts)}")
    size = sum(path.stat().st_size for path in log.iterdir() if path.is_file())
    successes = sum(attempt.succeeded for attempt in attempts)
    if attempts:
        console.print(
            f"{successes} successes ({successes / len(attempts):.1%}); "
            f"{size / 1e6:.1f} MB, {size / len(attempts) / 1e3:.0f} kB per attempt with its frames",
            highlight=False,
        )
        events = ", ".join(f"{count} {event}" for event, count in count_picks(attempts).items())
        console.print(f"what the picks did to the bin: {events}", highlight=False)


def _view(log: Path, viewer: ViewerConfig) -> None:
    count = len(list(read_log(log, frames=False)))
    with open_recording(log, viewer) as recording:
        with Progress() as progress:
            task = progress.add_task(f"{count} attempts", total=count)
            record_log(log, recording, lambda done: progress.update(task, completed=done))
        if not (log / LABELS).exists():
            print(f"no masks and rectangles: grasp-affordance attempts {log} label makes them")
        print(recording.told(), flush=True)
        recording.wait()


def _label(log: Path) -> None:
    labels = [made for _, made in label_log(log)]
    masks = sum(made.mask is not None for made in labels)
    rectangles = sum(bool(made.rectangles) for made in labels)
    print(
        f"{len(labels)} attempts labelled in {log / LABELS}: {masks} masks, {rectangles} of them "
        "with rectangles"
    )
    for reason, count in Counter(made.reason for made in labels if made.reason).most_common():
        print(f"  {count} {reason}")


def _cells(attempt: GraspAttempt) -> tuple[str, ...]:
    point = attempt.point
    return (
        f"{point.u}, {point.v}",
        f"{point.probability:.2f}",
        str(point.source),
        attempt.model_version or "-",
        str(attempt.outcome) if attempt.succeeded else f"{attempt.outcome}: {attempt.cause}",
    )


def _show(log: Path, number: int) -> None:
    attempt = read_attempt(log, number)
    data = to_json(attempt, None, None)
    for name in ("before", "after"):
        frame = getattr(attempt, name)
        data[name] = "not kept" if frame is None else f"frame of {frame.stamp_ns} ns"
    Console().print_json(json.dumps(data))


def _export(log: Path, output: Path, format: str) -> None:  # noqa: A002
    if format == "lerobot":
        from grasp_affordance.learning.log.attempt_lerobot import write_lerobot

        written = write_lerobot(read_log(log), output)
        print(
            f"{written.episodes} attempts written to {output} (LeRobot); {written.left_out} left "
            "out: no frame, or neither success nor failure"
        )
        return
    from grasp_affordance.learning.log.attempt_bag import write_bag  # rosbags, for this action only

    count = write_bag(read_log(log), output, format)
    print(f"{count} attempts written to {output} ({format})")
