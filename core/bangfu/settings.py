"""What an installation is told through its environment. ``docs/settings.md`` lists every variable; a test holds the
two together."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bangfu.text import LANGUAGES, Language

MARKER = ".bangfu"
"""The folder, in the working folder or above it, that holds an embedded installation."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one installation.

    ``database_url`` None means the embedded PostgreSQL under ``home``.
    """

    home: Path
    database_url: str | None = None
    migration_url: str | None = None
    app_role: str = "bangfu_app"
    public_role: str = "bangfu_public"
    keyring: str | None = None
    issuer_key: str | None = None
    public_url: str | None = None
    language: Language = "zh"
    largest_file: int = 20 * 1024 * 1024
    unmasked_hourly: int = 30
    unmasked_daily: int = 200

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read ``BANGFU_*``; ValueError for a value that cannot be."""
        language = environment.get("BANGFU_LANGUAGE", "zh")
        if language not in LANGUAGES:
            raise ValueError(f"BANGFU_LANGUAGE is zh or en, not {language!r}")
        return cls(
            home=_home(environment.get("BANGFU_HOME")),
            database_url=environment.get("BANGFU_DATABASE_URL") or None,
            migration_url=environment.get("BANGFU_MIGRATION_URL") or None,
            app_role=environment.get("BANGFU_APP_ROLE", "bangfu_app"),
            public_role=environment.get("BANGFU_PUBLIC_ROLE", "bangfu_public"),
            keyring=environment.get("BANGFU_KEYRING") or None,
            issuer_key=environment.get("BANGFU_ISSUER_KEY") or None,
            public_url=_address(environment.get("BANGFU_PUBLIC_URL")),
            language="en" if language == "en" else "zh",
            largest_file=_bytes(environment.get("BANGFU_LARGEST_FILE")),
            unmasked_hourly=_at_most(environment, "BANGFU_UNMASKED_HOURLY", 30, 1_000),
            unmasked_daily=_at_most(environment, "BANGFU_UNMASKED_DAILY", 200, 5_000),
        )


def _address(stated: str | None) -> str | None:
    if not stated:
        return None
    parts = urlsplit(stated)
    if parts.scheme not in ("http", "https") or not parts.hostname or stated != f"{parts.scheme}://{parts.netloc}":
        raise ValueError(f"BANGFU_PUBLIC_URL is like https://bangfu.example.org, not {stated!r}")
    return stated


def _bytes(stated: str | None) -> int:
    if stated is None:
        return 20 * 1024 * 1024
    if not (stated.isascii() and stated.isdigit()):
        raise ValueError(f"BANGFU_LARGEST_FILE is a number of bytes, not {stated!r}")
    return int(stated)


def _at_most(environment: Mapping[str, str], name: str, default: int, largest: int) -> int:
    """A whole number from 0 to a largest one."""
    stated = environment.get(name) or str(default)
    if not (stated.isascii() and stated.isdigit() and int(stated) <= largest):
        raise ValueError(f"{name} is a number from 0 to {largest}, not {stated!r}")
    return int(stated)


def _home(stated: str | None) -> Path:
    """The stated folder, else the nearest ``.bangfu`` upwards, else the user's data folder."""
    if stated:
        return Path(stated).absolute()
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / MARKER).is_dir():
            return folder / MARKER
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "bangfu"
