"""The conformance kit in a process of its own, with limits: whatever a plugin does there, nobody else is harmed.

``python -m bangfu.conformance.child NAME [FOLDER]`` loads one plugin and writes what it found as lines of JSON.
:func:`look_at` starts that process, and says what happened to it when it did not come to its end.
"""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bangfu.conformance.kit import Check, Found, examine
from bangfu.conformance.projects import load_from, load_named
from bangfu.text import Text

SECONDS, MEGABYTES = 120, 4096
"""How long a plugin is looked at, and how much memory it may ask for, unless stated."""


@dataclass(frozen=True, slots=True)
class Look:
    """What became of a look at a plugin: what each check found, why it was not loaded, how it ended too early."""

    found: tuple[Found, ...]
    not_loaded: str | None = None
    ended: Text | None = None

    @property
    def sound(self) -> bool:
        """Whether every check was made, and none found a fault."""
        return not (self.not_loaded or self.ended or any(one.faults for one in self.found)) and bool(self.found)


def look_at(name: str, folder: Path | None = None, seconds: int = SECONDS, megabytes: int = MEGABYTES) -> Look:
    """Look at a plugin, installed or in a project folder, in a process with limits of time and memory."""
    command = [sys.executable, "-m", __name__, str(seconds), str(megabytes), name, *([str(folder)] if folder else [])]
    try:
        done = subprocess.run(command, capture_output=True, timeout=seconds, check=False)  # noqa: S603 - our own
        output, code = done.stdout, done.returncode
        said = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    except subprocess.TimeoutExpired as late:
        output, code, said = late.stdout or b"", -signal.SIGXCPU, ""
    found: list[Found] = []
    not_loaded = None
    for line in output.decode().splitlines():
        told = json.loads(line)
        if "not_loaded" in told:
            not_loaded = told["not_loaded"]
        else:
            found.append(Found(told["programme"], Check(told["check"]), tuple(told["faults"]), told["note"]))
    return Look(tuple(found), not_loaded, _ended(code, said, found, seconds, megabytes) if code else None)


def _ended(code: int, said: str, found: list[Found], seconds: int, megabytes: int) -> Text:
    checks = list(Check)
    after = checks.index(found[-1].check) + 1 if found else 0
    during = checks[after % len(checks)].title_text if found else Text("载入", "loading")
    if -code in (signal.SIGXCPU, signal.SIGKILL):
        return Text(f"{seconds} 秒内没有结束,在:{during.zh}", f"did not end within {seconds} s, in: {during.en}")
    if "MemoryError" in said or -code in (signal.SIGABRT, signal.SIGSEGV, signal.SIGTRAP):
        return Text(f"所需内存超过 {megabytes} MB,在:{during.zh}", f"asked for over {megabytes} MB, in: {during.en}")
    return Text(f"中途退出({code}):{said or '无说明'}", f"ended with {code}: {said or 'it said nothing'}")


def main(seconds: str, megabytes: str, name: str, folder: str | None = None) -> None:
    """The child: one line of JSON for each thing found."""
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds)))
    resource.setrlimit(resource.RLIMIT_AS, (int(megabytes) << 20,) * 2)
    out, sys.stdout = sys.stdout, sys.stderr  # what a plugin prints is no finding
    plugins = load_from(Path(folder)) if folder else load_named(name)
    if name not in plugins.brought:
        _tell(out, not_loaded=plugins.skipped.get(name, f"there is no plugin {name}"))
        return
    for code in plugins.brought[name]:
        for one in examine(plugins.programmes[code]):
            _tell(out, programme=one.programme, check=one.check, faults=one.faults, note=one.note)


def _tell(out: IO[str], **words: object) -> None:
    print(json.dumps(words), file=out, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
