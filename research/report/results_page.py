"""The generated parts of docs/results.md: text between two markers, and nothing else, is replaced.

A part is written as

    <!-- generated: NAME -->
    ...
    <!-- end of NAME -->
"""

from collections.abc import Mapping
from pathlib import Path

from grasp_affordance.errors import ConfigError
from grasp_affordance.files import write_atomically


def replace_part(text: str, name: str, content: str) -> str:
    """Return `text` with the generated part `name` replaced.

    Raises:
        ConfigError: the markers are missing or out of order.
    """
    begin, end = f"<!-- generated: {name} -->", f"<!-- end of {name} -->"
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(end) < text.index(begin):
        raise ConfigError(f"the page has no part '{name}': it needs the lines {begin} and {end}")
    head, tail = text[: text.index(begin) + len(begin)], text[text.index(end) :]
    return f"{head}\n\n{content.strip()}\n\n{tail}"


def update_page(page: Path, parts: Mapping[str, str]) -> None:
    """Replace generated parts of a page on disk, all of them or none.

    Raises:
        ConfigError: the page is missing or lacks a part.
    """
    try:
        text = page.read_text()
    except OSError as error:
        raise ConfigError(f"{page} cannot be read: {error.strerror}") from error
    for name, content in parts.items():
        text = replace_part(text, name, content)
    write_atomically(page, text.encode())
