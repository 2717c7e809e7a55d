"""The conformance kit in a process of its own, with limits: whatever a plugin does there, nobody else is harmed.

``python -P -m bangfu.conformance.child REPORT SECONDS MEGABYTES NAME [FOLDER]`` loads one plugin and writes what it
found to a file, a line of JSON each. :func:`look_at` starts that process, and says what happened to it when it did not
come to its end.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import IO, Any

from bangfu.conformance.kit import Check, Found, examine
from bangfu.conformance.projects import load_from, load_named
from bangfu.programme import GROUP
from bangfu.programme.admission import fingerprint
from bangfu.text import Text

SECONDS, MEGABYTES = 120, 4096
"""How long a plugin is looked at, and how much memory it may ask for, unless stated."""
LARGEST = 16 * 2**20
"""How much a plugin may write to any file, in bytes."""


@dataclass(frozen=True, slots=True)
class Look:
    """What became of a look at a plugin: the programmes that it brought, what each check of them found, why it was not
    loaded, how it ended too early; the hash of the files that were looked at; and which of the programmes decide
    cases. Only those are checked: the other shapes have no rules."""

    brought: tuple[str, ...] | None
    found: tuple[Found, ...]
    not_loaded: str | None = None
    ended: Text | None = None
    kept: str | None = None
    decide: tuple[str, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether it was loaded and came to its end, every check of every programme that decides cases was
        made, and none found a fault."""
        made = [(one.programme, one.check) for one in self.found if not one.faults]
        wanted = [(code, check) for code in self.decide for check in Check]
        return self.brought is not None and not self.not_loaded and not self.ended and made == wanted


def look_at(name: str, folder: Path | None = None, seconds: int = SECONDS, megabytes: int = MEGABYTES) -> Look:
    """Look at a plugin, installed or in a project folder, in a process with limits of time and memory.

    What lies in the working folder is not what is looked at, and what the plugin prints goes nowhere.
    """
    with tempfile.TemporaryDirectory(prefix="bangfu-look-") as made:
        report, errors = Path(made) / "report", Path(made) / "errors"
        told = [str(report), str(seconds), str(megabytes), name, *([str(folder)] if folder else [])]
        with errors.open("wb") as stream:
            child = subprocess.Popen(  # noqa: S603 - our own
                [sys.executable, "-P", "-m", __name__, *told],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )
            try:
                code = child.wait(timeout=seconds)
            except subprocess.TimeoutExpired:
                code = -signal.SIGXCPU
            finally:
                with suppress(ProcessLookupError):  # whatever it has started ends with it
                    os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        said = errors.read_bytes()[-2000:].decode(errors="replace").strip().rpartition("\n")[2]
        return _told(list(_lines(report)), code, said, seconds, megabytes)


def _lines(report: Path) -> Iterator[dict[str, Any]]:
    """What the child has written, as far as it is whole."""
    with suppress(OSError, ValueError):
        for line in report.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


def _told(lines: list[dict[str, Any]], code: int, said: str, seconds: int, megabytes: int) -> Look:
    found = tuple(
        Found(one["programme"], Check(one["check"]), tuple(one["faults"]), one["note"])
        for one in lines
        if "check" in one
    )
    not_loaded = next((one["not_loaded"] for one in lines if "not_loaded" in one), None)
    brought = next((tuple(one["brought"]) for one in lines if "brought" in one), None)
    kept = next((one["kept"] for one in lines if "brought" in one), None)
    over = any("over" in one for one in lines)
    ended = None if over else _ended(code, said, found, seconds, megabytes)
    decide = next((tuple(one["decide"]) for one in lines if "brought" in one), ())
    return Look(brought, found, not_loaded, ended, kept, decide)


def _ended(code: int, said: str, found: tuple[Found, ...], seconds: int, megabytes: int) -> Text:
    checks = list(Check)
    after = checks.index(found[-1].check) + 1 if found else 0
    during = checks[after % len(checks)].title_text if found else Text("载入", "loading")
    if -code in (signal.SIGXCPU, signal.SIGKILL):
        return Text(f"{seconds} 秒内没有结束,在:{during.zh}", f"did not end within {seconds} s, in: {during.en}")
    if "MemoryError" in said or -code in (signal.SIGABRT, signal.SIGSEGV, signal.SIGTRAP):
        return Text(f"所需内存超过 {megabytes} MB,在:{during.zh}", f"asked for over {megabytes} MB, in: {during.en}")
    return Text(
        f"中途退出({code}),在:{during.zh};{said or '无说明'}",
        f"ended with {code}, in: {during.en}; {said or 'no word'}",
    )


def main(report: str, seconds: str, megabytes: str, name: str, folder: str | None = None) -> None:
    """The child: one line of JSON for each thing found, and one when it has come to its end."""
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds)))
    resource.setrlimit(resource.RLIMIT_AS, (int(megabytes) << 20,) * 2)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST, LARGEST))
    with Path(report).open("w", encoding="utf-8") as out:
        kept = None
        if folder is None:
            kept = next((fingerprint(point) for point in entry_points(group=GROUP) if point.name == name), None)
        plugins = load_from(Path(folder)) if folder else load_named(name)
        if name in plugins.brought:
            decide = [code for code in plugins.brought[name] if code in plugins.programmes]
            _tell(out, brought=plugins.brought[name], decide=decide, kept=kept)
            for code in decide:
                for one in examine(plugins.programmes[code]):
                    _tell(out, programme=one.programme, check=one.check, faults=one.faults, note=one.note)
        else:
            _tell(out, not_loaded=plugins.skipped.get(name, f"there is no plugin {name}"))
        _tell(out, over=True)


def _tell(out: IO[str], **words: object) -> None:
    out.write(json.dumps(words) + "\n")
    out.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
