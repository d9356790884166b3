"""The command line's dispatcher."""

import importlib
import inspect
import subprocess
import sys

import pytest

from grasp_affordance import cli
from grasp_affordance.errors import GraspAffordanceError


def test_help_lists_every_command_without_importing_any() -> None:
    code = (
        "import sys; from grasp_affordance import cli; cli.main(['--help']);"
        "heavy = {'torch', 'cv2', 'mujoco', 'tyro', 'rclpy'} & set(sys.modules);"
        "sys.exit(', '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name in cli.COMMANDS:
        assert f"  {name} " in done.stdout


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_listed_command_exists_and_is_documented(name: str) -> None:
    run = importlib.import_module(f"grasp_affordance.commands.{name}").run
    assert inspect.getdoc(run)


def test_an_unknown_command_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["dance"]) == cli.USAGE
    assert "'dance' is not a command" in capsys.readouterr().err


def test_no_command_shows_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 0
    assert "predict" in capsys.readouterr().out


def test_errors_and_interrupts_become_a_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(module: str, prog: str, arguments: list[str]) -> int:
        raise GraspAffordanceError("the reason")

    def interrupt(module: str, prog: str, arguments: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_run", fail)
    assert cli.main(["predict"]) == cli.FAILED
    assert capsys.readouterr().err == "error: the reason\n"
    monkeypatch.setattr(cli, "_run", interrupt)
    assert cli.main(["predict"]) == cli.INTERRUPTED
