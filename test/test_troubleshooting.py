"""The page of messages names messages that the code can say."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Parts that are put together from values.
ASSEMBLED = {
    "needs ur_robot_driver",
    "the calibration is in doubt: contact is",
    "lower than predicted",
    "mm higher",
    "sudo apt install",
}


def test_every_message_of_the_page_is_in_the_code() -> None:
    source = " ".join(path.read_text() for path in (ROOT / "grasp_affordance").rglob("*.py"))
    source = re.sub(r'"\s*\n\s*f?"', "", source)  # strings that go on in the next line
    page = (ROOT / "docs" / "troubleshooting.md").read_text()
    messages = re.findall(r"^\| `([^`]+)`", page, re.MULTILINE)
    assert len(messages) > 20
    segments = [segment for message in messages for segment in re.split(r"\.\.\.|/", message)]
    parts = {segment.strip(" ':,") for segment in segments} - ASSEMBLED
    unknown = [part for part in parts if len(part) > 8 and part not in source]
    assert not unknown
