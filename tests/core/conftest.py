"""The command line over an installation of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest
from click.testing import CliRunner, Result

from bangfu.cli import main
from bangfu.db.embedded import EmbeddedServer
from tests.conftest import FAST
from tests.county import CODE

Command: TypeAlias = Callable[..., Result]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An installation of its own, whose server stays up for the module."""
    folder = tmp_path_factory.mktemp("cli")
    server = EmbeddedServer.start(folder, options=FAST)
    yield folder
    server.release()
    EmbeddedServer.remove(folder)


@pytest.fixture(scope="module")
def bangfu(home: Path) -> Command:
    """Type a command; the first argument is who acts."""

    def command(officer: str, *arguments: object, code: int = 0, language: str = "en") -> Result:
        environment = {
            "BANGFU_HOME": str(home), "BANGFU_TENANT": CODE, "BANGFU_OFFICER": officer, "BANGFU_LANGUAGE": language,
            "BANGFU_PROGRAMME": "consolidation", "COLUMNS": "200",
        }  # fmt: skip
        result = CliRunner(env=environment).invoke(main, [str(a) for a in arguments])
        assert result.exit_code == code, (arguments, result.output, result.stderr)
        return result

    return command
