"""Finished clearances on disk, one file each, until the report is written: a kill loses one pile.

While `FILE.json` is being made, `FILE.json.parts/` holds `run.json` (what is measured) and one
`SEED-INDEX.json` per finished clearance. The report holds all clearances too, so a finished run
can be extended by more seeds or more clearances.
"""

import csv
import hashlib
import io
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from grasp_affordance.errors import ConfigError
from grasp_affordance.evaluation.records import AttemptRow, Clearance
from grasp_affordance.files import parse_json, write_atomically

SCHEMA = "grasp_affordance/evaluation/1"

Key = tuple[int, int]

_COLUMNS = [field.name for field in fields(AttemptRow)]


class RunStore:
    """The clearances of one run.

    Raises:
        ConfigError: what is there is of another run, or is unfinished and `resume` is off.
    """

    def __init__(self, output: Path, identity: Mapping[str, Any], resume: bool) -> None:
        """Open the store of the report `output`.

        Args:
            output: path of the report.
            identity: JSON object of all that must be equal for clearances to belong together.
            resume: keep what is there.
        """
        self.output = output
        self.parts = _parts_of(output)
        self.clearances: dict[Key, Clearance] = {}
        self.rows: dict[Key, list[AttemptRow]] = {}
        self.revisions: set[str] = set()
        self._table = output.with_suffix(".csv")
        self._goes_on = False  # whether the CSV is of this run
        self._identity = json.loads(json.dumps(dict(identity)))
        if resume:
            self._load_report()
            self._load_parts()
        elif self.parts.exists():
            raise ConfigError(
                f"{self.parts} holds an unfinished run: add --resume to continue it, or remove it"
            )
        write_json(self.parts / "run.json", self._identity)

    def add(self, clearance: Clearance, rows: list[AttemptRow], revision: str) -> None:
        """Keep a finished clearance."""
        part = {
            "revision": revision,
            "clearance": asdict(clearance),
            "rows": [asdict(row) for row in rows],
        }
        write_json(self.parts / f"{clearance.seed}-{clearance.index}.json", part)
        self._keep(part)

    def finished(self) -> dict[str, Any] | None:
        """Return the report that was there, if it has every clearance; None where parts wait."""
        if not self.output.exists() or any(self.parts.glob("*-*.json")):
            return None
        shutil.rmtree(self.parts)
        return read_report(self.output)

    def finish(self, report: Mapping[str, Any], keys: list[Key], rows: bool) -> None:
        """Write the report, and the CSV of attempts if `rows`; then drop the parts.

        A CSV that this run has kept so far is kept up. Any other goes: it does not say of which run
        it is, so beside this report it would pass for its own.

        Raises:
            ConfigError: rows are wanted, but an earlier run of this report did not keep them.
        """
        missing = [key for key in keys if key not in self.rows]
        if rows and missing:
            raise ConfigError(
                f"attempts of {len(missing)} earlier clearances were not kept; run without "
                "--resume, or without --rows"
            )
        if rows or (self._goes_on and not missing):
            write_rows(self._table, [row for key in sorted(keys) for row in self.rows[key]])
        elif _holds_rows(self._table):
            self._table.unlink()
        write_json(self.output, report)
        shutil.rmtree(self.parts)

    def _keep(self, part: Mapping[str, Any]) -> None:
        clearance = Clearance.from_json(part["clearance"])
        self.clearances[clearance.key] = clearance
        self.rows[clearance.key] = [AttemptRow(**row) for row in part["rows"]]
        self.revisions.add(part["revision"])

    def _load_report(self) -> None:
        if not self.output.exists():
            return
        report = read_report(self.output)
        self._check_identity(self.output, report["identity"])
        for data in report["clearances"]:
            clearance = Clearance.from_json(data)
            self.clearances[clearance.key] = clearance
        self.revisions.update(report["provenance"]["revisions"])
        if self._table.exists():
            self._goes_on = True
            self._load_rows()

    def _load_rows(self) -> None:
        """Take the rows of the report's clearances from the CSV beside it.

        A kill between CSV and report leaves rows of clearances that only the parts know. Rows that
        are not as many as a clearance had attempts are not its own.
        """
        found: dict[Key, list[AttemptRow]] = {key: [] for key in self.clearances}
        for row in read_rows(self._table):
            if (key := (row.seed, row.clearance)) in found:
                found[key].append(row)
        self.rows = {
            k: rows for k, rows in found.items() if len(rows) == self.clearances[k].attempts
        }

    def _load_parts(self) -> None:
        found = _identity_of(self.parts)
        if found is None:
            return
        self._check_identity(self.parts, found)
        for path in self.parts.glob("*-*.json"):
            self._keep(read_json(path))

    def _check_identity(self, path: Path, found: Mapping[str, Any]) -> None:
        remedy = "choose another --output or leave out --resume"
        refuse_other_run(path, found, self._identity, remedy)


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        ConfigError: it is missing or no JSON.
    """
    try:
        return parse_json(path.read_text())
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read as JSON: {error}") from error


def read_report(path: Path) -> dict[str, Any]:
    """Read the report of an evaluation.

    Raises:
        ConfigError: it is missing, no JSON, or not such a report.
    """
    report = read_json(path)
    if not isinstance(report, dict) or report.get("schema") != SCHEMA:
        raise ConfigError(f"{path} is no report of `grasp-affordance evaluate` ({SCHEMA})")
    return report


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, as reports name weights.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ConfigError(f"weights {path} cannot be read: {error.strerror}") from error


def refuse_other_run(
    path: Path, found: Mapping[str, Any], wanted: Mapping[str, Any], remedy: str
) -> None:
    """Raise ConfigError where what is measured is not what was; it names what, and the remedy."""
    wrong = sorted(n for n in {*found, *wanted} if found.get(n) != wanted.get(n))
    if wrong:
        raise ConfigError(f"{path} is of another run (different: {', '.join(wrong)}); {remedy}")


def drop_other_runs(output: Path, identity: Mapping[str, Any]) -> list[Path]:
    """Remove a report, and the parts of an unfinished one, that are not of this run.

    Parts that do not say of which run they are go too. Returns what was removed.
    """
    parts, dropped = _parts_of(output), []
    if output.exists() and read_report(output)["identity"] != identity:
        output.unlink()
        dropped.append(output)
    if parts.exists() and _identity_of(parts) != identity:
        shutil.rmtree(parts)
        dropped.append(parts)
    return dropped


def piles_done(output: Path) -> int:
    """Return how many piles of an evaluation are done, finished or not."""
    if output.exists():
        return len(read_report(output)["clearances"])
    try:
        names = os.listdir(_parts_of(output))
    except FileNotFoundError:  # not begun, or finished this very moment
        return 0
    return sum(name[:1].isdigit() for name in names)


def write_json(path: Path, data: Any) -> None:
    """Write a JSON file atomically; NaN is refused, because it is not JSON."""
    write_atomically(path, (json.dumps(data, indent=1, allow_nan=False) + "\n").encode())


def write_rows(path: Path, rows: list[AttemptRow]) -> None:
    """Write attempts as CSV, one line each, atomically."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    write_atomically(path, text.getvalue().encode())


def read_rows(path: Path) -> list[AttemptRow]:
    """Read attempts from a CSV that `write_rows` wrote.

    Raises:
        ConfigError: a column is missing or a value is not of its column.
    """
    kinds = {field.name: field.type for field in fields(AttemptRow)}
    with path.open(newline="") as stream:
        try:
            return [
                AttemptRow(**{name: _parse(line[name], kinds[name]) for name in kinds})
                for line in csv.DictReader(stream)
            ]
        except (KeyError, ValueError) as error:
            raise ConfigError(f"{path} is no table of attempts: {error}") from error


def _parts_of(output: Path) -> Path:
    return output.with_name(output.name + ".parts")


def _identity_of(parts: Path) -> Any:
    """Return what the parts of a run say that it measures; None where they do not say."""
    path = parts / "run.json"
    return read_json(path) if path.exists() else None


def _holds_rows(path: Path) -> bool:
    """Return whether a file is there and begins as `write_rows` begins one."""
    if not path.exists():
        return False
    with path.open(errors="replace") as stream:
        return stream.readline() == ",".join(_COLUMNS) + "\n"


def _parse(text: str, kind: Any) -> Any:
    return text == "True" if kind is bool else kind(text)
