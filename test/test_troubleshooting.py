"""The page of messages names messages that the code can say."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Parts that are put together from values.
ASSEMBLED = {"needs ur_robot_driver,", "nobody bridges /suction/", "contact is"}


def test_every_message_of_the_page_is_in_the_code() -> None:
    source = " ".join(path.read_text() for path in (ROOT / "grasp_affordance").rglob("*.py"))
    source = re.sub(r'"\s*\n\s*f?"', "", source)  # strings that go on in the next line
    page = (ROOT / "docs" / "troubleshooting.md").read_text()
    messages = re.findall(r"^\| `([^`]+)`", page, re.MULTILINE)
    assert len(messages) > 20
    parts = [
        part.strip(" ':,")
        for message in messages
        for part in re.split(r"\.\.\.|/lower|: contact", message)
    ]
    unknown = [
        p
        for p in parts
        if len(p) > 6
        and p not in source
        and not any(p in a or a.strip(",") in p for a in ASSEMBLED)
    ]
    assert not unknown
