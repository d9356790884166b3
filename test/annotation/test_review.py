import http.client
import json
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from flask.testing import FlaskClient
from helpers.annotation_scenes import INTRINSICS, Block, frame
from werkzeug.test import TestResponse

from grasp_affordance.annotation.decisions import Decision, read_decisions, write_decisions
from grasp_affordance.annotation.formats.labelled_image import labelled_images
from grasp_affordance.annotation.pair import AnnotationConfig
from grasp_affordance.annotation.records import PairRecord, PairsFile, read_pairs, write_pairs
from grasp_affordance.annotation.result import Status
from grasp_affordance.annotation.review.desk import Desk
from grasp_affordance.annotation.review.server import create_app, make_review_server
from grasp_affordance.annotation.sequence_labels import annotate_sequence
from grasp_affordance.cli import main
from grasp_affordance.detection.training.dataset import read_folder
from grasp_affordance.errors import SequenceError
from grasp_affordance.rectangle import GraspRectangle, JawConfig
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


def decision_url(client: FlaskClient, index: int) -> str:
    """Where the page that `client` opens just now sends a decision."""
    pairs = {pair["index"]: pair for pair in client.get("/api/pairs").get_json()["pairs"]}
    return f"/api/decisions/{index}?reviewed={pairs[index]['digest']}"


def put(client: FlaskClient, index: int, body: object) -> TestResponse:
    return client.put(decision_url(client, index), json=body)


def many_labels(folder: Path, count: int) -> Path:
    """A folder of labels with `count` pairs."""
    pairs = [
        PairRecord(n, (f"{n:04d}", f"{n + 1:04d}"), Status.ANNOTATED, rectangles=(RECTANGLE,))
        for n in range(count)
    ]
    write_pairs(folder, PairsFile(str(folder), {"width": 320, "height": 240}, tuple(pairs)))
    return folder


def test_two_open_pages_keep_every_decision(tmp_path: Path) -> None:
    labels = many_labels(tmp_path / "labels", 100)
    with Desk(labels) as desk:
        app = create_app(desk)
        pages = [app.test_client(), app.test_client()]
        found = pages[0].get("/api/pairs").get_json()["pairs"]

        def decide(page: int, pair: dict) -> int:
            url = f"/api/decisions/{pair['index']}?reviewed={pair['digest']}"
            body = {"accepted": pair["index"] % 3 == 0}
            return pages[page].put(url, json=body).status_code

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(decide, [0, 1] * 50, found))
    assert answers == [200] * 100
    assert read_decisions(labels) == {n: Decision(n % 3 == 0) for n in range(100)}


def test_one_desk_at_a_time_decides_about_a_folder(
    labels: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with Desk(labels) as desk:
        client = create_app(desk).test_client()
        put(client, 0, {"accepted": False})
        for arguments in (["--accept", "0"], ["--reject", "1"], ["--port", "0"]):
            assert main(["review", str(labels), *arguments]) == 1
            assert "is open on a review page" in capfd.readouterr().err
        assert main(["review", str(labels), "--summary"]) == 0
        assert read_decisions(labels) == {0: Decision(False)}
    assert main(["review", str(labels), "--accept", "0"]) == 0
    assert read_decisions(labels) == {0: Decision(True)}


def test_labels_on_an_open_page_are_not_annotated_anew(
    labels: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    sequence = read_pairs(labels).sequence
    with Desk(labels):
        assert main(["annotate", sequence, "--output", str(labels)]) == 1
        assert "is open on a review page" in capfd.readouterr().err
    assert main(["annotate", sequence, "--output", str(labels)]) == 0


def test_a_page_of_earlier_labels_decides_nothing(labels: Path) -> None:
    with Desk(labels) as desk:
        url = decision_url(create_app(desk).test_client(), 0)
    sequence = Sequence(read_pairs(labels).sequence)
    other = AnnotationConfig(jaw=JawConfig(plate_length=0.011))
    annotate_sequence(sequence, labels, other)
    with Desk(labels) as desk:
        client = create_app(desk).test_client()
        for answer in (client.put(url, json={"accepted": True}), client.delete(url)):
            assert answer.status_code == 400
            assert "labelled anew since this page was opened" in answer.get_json()["error"]
        unnamed = client.put("/api/decisions/0", json={"accepted": True})
        assert unnamed.status_code == 400
    assert not (labels / "decisions.json").exists()


@pytest.mark.parametrize("changed", ["pairs.json", "mask"])
def test_a_decision_about_another_label_is_never_used(labels: Path, changed: str) -> None:
    assert main(["review", str(labels), "--accept", "0"]) == 0
    if changed == "mask":
        (labels / "0000.mask.png").write_bytes((labels / "0001.mask.png").read_bytes())
    else:
        content = read_pairs(labels)
        first = replace(content.pairs[0], rectangles=(RECTANGLE,))
        write_pairs(labels, replace(content, pairs=(first, *content.pairs[1:])))
    for read in (read_decisions, labelled_images, read_folder):
        with pytest.raises(SequenceError, match="decision on pair 0 is about another label"):
            read(labels)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 400),
        ({"Host": "127.0.0.1.evil.example:8765"}, 400),
        ({"Host": "127.0.0.1:8765", "Origin": "http://evil.example"}, 403),
        ({"Host": "127.0.0.1:8765", "Origin": "null"}, 403),
        ({"Host": "127.0.0.1:8765", "Origin": "http://127.0.0.1:9999"}, 403),
        ({"Host": "127.0.0.1:8765", "Origin": "http://127.0.0.1:8765"}, 200),
        ({"Host": "localhost:8765", "Origin": "http://localhost:8765"}, 200),
    ],
)
def test_only_the_page_itself_is_answered(
    labels: Path, headers: dict[str, str], status: int
) -> None:
    with Desk(labels) as desk:
        client = create_app(desk).test_client()
        url = decision_url(client, 0)
        answer = client.put(url, json={"accepted": False}, headers=headers)
        assert answer.status_code == status
        assert client.get("/api/pairs", headers=headers).status_code == status
    assert (read_decisions(labels) == {}) is (status != 200)


@pytest.mark.parametrize(("chunked", "status"), [(False, 413), (True, 411)])
def test_a_large_body_is_refused_unread(page: str, chunked: bool, status: int) -> None:
    port = int(page.rsplit(":", 1)[1].strip("/"))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    blocks = iter([b" " * 2**16] * 64)
    headers = {"Content-Type": "application/json"}
    if not chunked:
        headers["Content-Length"] = str(300 * 2**20)  # of which not a byte is sent
        blocks = iter(())
    connection.request(
        "PUT", "/api/decisions/0?reviewed=0", blocks, headers, encode_chunked=chunked
    )
    assert connection.getresponse().status == status
    connection.close()


def test_a_deeply_nested_body_is_no_decision(labels: Path) -> None:
    with Desk(labels) as desk:
        client = create_app(desk).test_client()
        url, kind = decision_url(client, 0), "application/json"
        answer = client.put(url, data="[" * 200_000, content_type=kind)
        assert answer.status_code == 400
        assert "nested too deeply" in answer.get_json()["error"]
        assert client.put(url, data='{"accepted": true}').status_code == 415


def test_images_that_lead_outside_are_not_served(labels: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(b"secret")
    (labels / "link.png").symlink_to(tmp_path / "secret.png")
    with Desk(labels) as desk:
        answer = create_app(desk).test_client().get("/labels/link.png")
    assert answer.status_code == 404


@pytest.mark.parametrize("key", ["mask", "picture"])
@pytest.mark.parametrize("name", ["../secret.png", "/secret.png", "link.png"])
def test_no_name_in_labels_leads_outside_of_them(
    labels: Path, tmp_path: Path, key: str, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    outside = Path(shutil.copy(labels / "0000.mask.png", tmp_path / "secret.png"))
    (labels / "link.png").symlink_to(outside)
    path = labels / "pairs.json"
    data = json.loads(path.read_text())
    data["pairs"][0][key] = (
        name.replace("/secret", f"{tmp_path}/secret") if name[0] == "/" else name
    )
    path.write_text(json.dumps(data))
    if key == "mask":
        for read in (labelled_images, read_folder, Desk):
            with pytest.raises(SequenceError, match="leads outside"):
                read(labels).describe() if read is Desk else read(labels)
    else:
        assert main(["review", str(labels), "--sheet", str(tmp_path / "sheet.png")]) == 1
        assert "leads outside" in capfd.readouterr().err


def test_decisions_are_kept_beside_the_labels_and_change_none(labels: Path) -> None:
    before = (labels / "pairs.json").read_bytes()
    client = create_app(Desk(labels)).test_client()
    assert put(client, 0, {"accepted": False}).status_code == 200
    corrected = {"accepted": True, "rectangles": [vars(RECTANGLE)]}
    assert put(client, 2, corrected).status_code == 200
    assert read_decisions(labels) == {0: Decision(False), 2: Decision(True, (RECTANGLE,))}
    assert (labels / "pairs.json").read_bytes() == before
    used = {label.name: label.rectangles for label in labelled_images(labels)}
    assert set(used) == {"0001", "0002"}
    assert used["0002"] == (RECTANGLE,)


def test_a_decision_can_be_taken_back(labels: Path) -> None:
    client = create_app(Desk(labels)).test_client()
    put(client, 0, {"accepted": False})
    assert client.delete(decision_url(client, 0)).status_code == 200
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
    client = create_app(Desk(labels)).test_client()
    answer = client.put(f"/api/decisions/{index}?reviewed=0", json=body)
    if index == 0:
        answer = put(client, index, body)
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
    with Desk(labels) as desk, make_review_server(desk, 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


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
