"""`grasp-affordance review`: accept, reject and correct labels, on a local web page or without."""

from pathlib import Path

import cv2
import numpy as np
import tyro
from numpy.typing import NDArray

from grasp_affordance.annotation.decisions import read_decisions
from grasp_affordance.annotation.drawing import contact_sheet
from grasp_affordance.annotation.records import PairsFile, read_pairs, write_image
from grasp_affordance.annotation.review.desk import Desk
from grasp_affordance.annotation.review.server import make_review_server
from grasp_affordance.errors import SequenceError
from grasp_affordance.files import inside
from grasp_affordance.images import read_image


def run(
    labels: tyro.conf.Positional[Path],
    port: int = 8765,
    accept: tuple[int, ...] = (),
    reject: tuple[int, ...] = (),
    sheet: Path | None = None,
    summary: bool = False,
) -> int:
    """Serve the review page on this machine, or decide and look without it.

    Args:
        labels: folder that `grasp-affordance annotate` wrote; decisions are kept in it.
        port: of the page; 0 takes a free one.
        accept: indices of pairs to accept; no page is served.
        reject: indices of pairs to reject; no page is served.
        sheet: PNG to write with the pictures of all pairs; no page is served.
        summary: print each pair with its decision; no page is served.
    """
    content = read_pairs(labels)
    if accept or reject:
        with Desk(labels) as desk:
            decided = desk.decide_all(accept, reject)
        print(f"{len(accept)} accepted, {len(reject)} rejected; {decided} decided in all")
    if sheet is not None:
        write_image(sheet, contact_sheet([_picture(labels, p) for p in _pictures(content)]))
        print(f"contact sheet in {sheet}")
    if summary:
        _print_summary(labels, content)
    if accept or reject or summary or sheet is not None:
        return 0
    with Desk(labels) as desk, make_review_server(desk, port) as server:
        print(f"http://127.0.0.1:{server.server_port}/  (Ctrl-C ends)", flush=True)
        server.serve_forever()
    return 0


def _pictures(content: PairsFile) -> list[str]:
    names = [pair.picture for pair in content.pairs if pair.picture is not None]
    if not names:
        raise SequenceError("no pair has a picture: none of the frames could be compared")
    return names


def _picture(labels: Path, name: str) -> NDArray[np.uint8]:
    image = read_image(inside(labels, name), cv2.IMREAD_COLOR)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def _print_summary(labels: Path, content: PairsFile) -> None:
    decisions = read_decisions(labels)
    for pair in content.pairs:
        decision = decisions.get(pair.index)
        word = "undecided"
        if decision is not None:
            word = "accepted" if decision.accepted else "rejected by hand"
            word += ", corrected" if decision.rectangles is not None else ""
        end = pair.status if pair.reason is None else f"{pair.status}: {pair.reason}"
        frames = " -> ".join(name for name in pair.frames if name is not None)
        print(f"{pair.index:4d}  {frames}  {end}  [{word}]")
