import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.annotation_scenes import INTRINSICS, Block, frame

from grasp_affordance.annotation.decisions import Decision, read_decisions, write_decisions
from grasp_affordance.annotation.formats.labelled_image import labelled_images
from grasp_affordance.annotation.pair import AnnotationConfig
from grasp_affordance.annotation.records import read_pairs
from grasp_affordance.annotation.review.desk import Desk
from grasp_affordance.annotation.review.server import create_app, make_review_server
from grasp_affordance.annotation.sequence_labels import annotate_sequence
from grasp_affordance.cli import main
from grasp_affordance.errors import SequenceError
from grasp_affordance.rectangle import GraspRectangle
from grasp_affordance.sequence import Sequence, SequenceCamera, SequenceWriter

LOG = Block(160, 120, length=90, width=30, angle=0.3)
OTHER = Block(60, 60, length=40, width=20, angle=1.0, color=(200, 50, 50))
RECTANGLE = GraspRectangle(100.0, 80.0, 0.5, 12.0, 30.0)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two removals and a pair in which nothing left, labelled."""
    folder = tmp_path_factory.mktemp("review")
    writer = SequenceWriter(folder / "sequence", SequenceCamera(INTRINSICS))
    for seed, blocks in enumerate(([LOG, OTHER], [OTHER], [], [])):
        writer.append(frame(*blocks, rng=np.random.default_rng(seed)))
    annotate_sequence(Sequence(folder / "sequence"), folder / "labels", AnnotationConfig())
    return folder / "labels"


@pytest.fixture
def labels(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "labels"))


def test_decisions_are_kept_beside_the_labels_and_change_none(labels: Path) -> None:
    before = (labels / "pairs.json").read_bytes()
    client = create_app(Desk(labels)).test_client()
    assert client.put("/api/decisions/0", json={"accepted": False}).status_code == 200
    corrected = {"accepted": True, "rectangles": [vars(RECTANGLE)]}
    assert client.put("/api/decisions/2", json=corrected).status_code == 200
    assert read_decisions(labels) == {0: Decision(False), 2: Decision(True, (RECTANGLE,))}
    assert (labels / "pairs.json").read_bytes() == before
    used = {label.name: label.rectangles for label in labelled_images(labels)}
    assert set(used) == {"0001", "0002"}
    assert used["0002"] == (RECTANGLE,)


def test_a_decision_can_be_taken_back(labels: Path) -> None:
    client = create_app(Desk(labels)).test_client()
    client.put("/api/decisions/0", json={"accepted": False})
    assert client.delete("/api/decisions/0").status_code == 200
    assert read_decisions(labels) == {}


@pytest.mark.parametrize(
    ("index", "body"),
    [
        (0, {"accepted": "yes"}),
        (0, {}),
        (0, {"accepted": True, "rectangles": [{"x": 1}]}),
        (0, {"accepted": True, "rectangles": [vars(RECTANGLE) | {"w": -3.0}]}),
        (0, [1, 2]),
        (77, {"accepted": True}),
    ],
)
def test_a_bad_decision_is_refused_with_a_reason(labels: Path, index: int, body: object) -> None:
    answer = create_app(Desk(labels)).test_client().put(f"/api/decisions/{index}", json=body)
    assert answer.status_code == 400
    assert answer.get_json()["error"]
    assert not (labels / "decisions.json").exists()


def test_only_images_of_the_labels_are_served(labels: Path) -> None:
    client = create_app(Desk(labels)).test_client()
    assert client.get("/").status_code == 200
    assert client.get("/frames/0000.png").status_code == 200
    assert client.get("/labels/0000.mask.png").status_code == 200
    for path in ("/labels/..%2F..%2Fetc%2Fpasswd.png", "/frames/none.png", "/labels/pairs.json"):
        assert client.get(path).status_code == 404


def test_a_damaged_decisions_file_is_named_and_kept(labels: Path) -> None:
    (labels / "decisions.json").write_text('{"version": 1, "deci')
    with pytest.raises(SequenceError, match=r"decisions\.json"):
        Desk(labels)
    assert main(["review", str(labels), "--reject", "0"]) == 1
    assert (labels / "decisions.json").read_text() == '{"version": 1, "deci'


def test_review_works_without_a_page(
    labels: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["review", str(labels), "--accept", "0", "--reject", "1", "--summary"]) == 0
    text = capfd.readouterr().out
    assert "[accepted]" in text
    assert "[rejected by hand]" in text
    assert "[undecided]" in text
    assert main(["review", str(labels), "--sheet", str(tmp_path / "sheet.png")]) == 0
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet is not None
    assert sheet.shape[1] >= 960


def test_impossible_decisions_leave_the_others_undone(labels: Path) -> None:
    for wrong in (["--accept", "0", "9"], ["--accept", "2"], ["--accept", "0", "--reject", "0"]):
        assert main(["review", str(labels), *wrong]) == 1
    assert read_decisions(labels) == {}


def test_a_correction_survives_a_later_acceptance(labels: Path) -> None:
    write_decisions(labels, {0: Decision(False, (RECTANGLE,))})
    assert main(["review", str(labels), "--accept", "0"]) == 0
    assert read_decisions(labels)[0] == Decision(True, (RECTANGLE,))


@pytest.fixture
def page(labels: Path) -> Iterator[str]:
    server = make_review_server(labels, 0)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.skipif(
    not (shutil.which("chromium") and shutil.which("chromedriver")),
    reason="chromium and chromedriver (Debian: chromium-driver) are not installed",
)
def test_a_reviewer_pages_rejects_and_drags_a_rectangle_in_a_browser(
    page: str, labels: Path, tmp_path: Path
) -> None:
    webdriver = pytest.importorskip("selenium.webdriver")
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import WebDriverWait

    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for flag in (
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--window-size=1100,1200", f"--user-data-dir={tmp_path / 'profile'}",
    ):  # fmt: skip
        options.add_argument(flag)
    service = webdriver.ChromeService(executable_path=str(shutil.which("chromedriver")))
    browser = webdriver.Chrome(options=options, service=service)
    try:
        wait = WebDriverWait(browser, 20)

        def body(name: str) -> str | None:
            return browser.find_element(By.TAG_NAME, "body").get_attribute(f"data-{name}")

        def press(key: str) -> None:
            browser.find_element(By.TAG_NAME, "body").send_keys(key)

        browser.get(page)
        wait.until(lambda _: body("ready") == "yes")
        assert body("index") == "0"
        press(Keys.ARROW_RIGHT)
        wait.until(lambda _: body("index") == "1")
        press("r")
        wait.until(lambda _: body("decision") == "rejected")
        assert read_decisions(labels) == {1: Decision(False)}

        press(Keys.ARROW_LEFT)
        wait.until(lambda _: body("index") == "0")
        automatic = read_pairs(labels).pairs[0].rectangles
        canvas = browser.find_element(By.ID, "view")
        scale = canvas.size["width"] / 320
        # selenium counts from the middle
        centre = ((automatic[0].x - 160) * scale, (automatic[0].y - 120) * scale)
        drag = webdriver.ActionChains(browser)
        drag.move_to_element_with_offset(canvas, round(centre[0]), round(centre[1]))
        drag.click_and_hold().move_by_offset(
            round(30 * scale), round(-20 * scale)
        ).release().perform()
        press("a")
        wait.until(lambda _: body("decision") == "accepted")
        corrected = read_decisions(labels)[0].rectangles
        assert corrected is not None
        assert corrected[0].x == pytest.approx(automatic[0].x + 30, abs=1)
        assert corrected[0].y == pytest.approx(automatic[0].y - 20, abs=1)
        assert corrected[1:] == automatic[1:]
        assert browser.save_screenshot(str(tmp_path / "page.png"))

        press("u")
        wait.until(lambda _: body("decision") == "")
        stored = json.loads((labels / "decisions.json").read_text())["decisions"]
        assert set(stored) == {"1"}
    finally:
        browser.quit()
