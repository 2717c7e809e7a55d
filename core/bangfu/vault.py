"""Personal identifiers at rest: sealed under a versioned key ring, found again by a blind index, shown masked.

A sealed value carries the version of its key, so keys can be renewed while old values stay readable. The blind index
is a keyed hash of the normalised value within one county; it answers equality and nothing else.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import fcntl
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bangfu.errors import Code, Refused
from bangfu.settings import Settings
from bangfu.text import Text

_FORMAT = 1
_NONCE = 12
_HEAD = 3 + _NONCE
_TAG = 16
_NEXT = "next_index"


class VaultError(Exception):
    """A sealed value cannot be opened: it was cut or altered, moved to another place, or its key is not on the ring."""


def _own_ring(settings: Settings) -> Path:
    return settings.home / "keyring.json"


def _holds_ring(stated: str) -> bool:
    """Whether a setting holds the ring itself, and not the path to it."""
    return stated.lstrip().startswith("{")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:  # no such file, not ours to read, or no text
        raise Code.KEYRING_MISSING.refuse() from error


def own_secret(path: Path, make: Callable[[], str]) -> Path:
    """Where a secret of an embedded installation is, which makes it on first use; nobody else can read it."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{path.stem}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(make())
        try:
            # Where another process was first, its secret is the one.
            with contextlib.suppress(FileExistsError):
                os.link(partial, path)
        finally:
            partial.unlink()
    return path


@dataclass(frozen=True)
class Vault:
    """The key ring of an installation: AES-256-GCM keys by version, and the key of the blind index.

    A ring that was read from a file, its ``source``, follows it: a running server takes up a new key, and lets an old
    one go, without being started again. The key of the blind index stays as it was read.
    """

    current: int
    keys: Mapping[int, bytes] = field(repr=False)
    index_key: bytes = field(repr=False)
    source: Path | None = field(default=None, compare=False, repr=False)

    @classmethod
    def open(cls, settings: Settings) -> Vault:
        """The ring that ``BANGFU_KEYRING`` names or holds; an embedded installation makes its own on first use.

        Refuses ``KEYRING_MISSING`` where a database of one's own is used without one, or where it cannot be read.
        """
        if settings.keyring is not None and _holds_ring(settings.keyring):
            return cls.parse(settings.keyring)
        return cls._read(ring_file(settings))

    @staticmethod
    def is_there(settings: Settings) -> bool:
        """Whether there is a key ring already, stated or made; where there is none, :meth:`open` makes one."""
        return settings.keyring is not None or settings.database_url is not None or _own_ring(settings).exists()

    @classmethod
    def _read(cls, path: Path) -> Vault:
        return replace(cls.parse(_text(path)), source=path)

    @property
    def _followed(self) -> Vault:
        """The ring as its file holds it now; as it was last known where the file cannot be read."""
        if self.source is None:
            return self
        stamp, known = self.__dict__.get("_seen", (None, self))
        with contextlib.suppress(OSError, ValueError, Refused):
            found = self.source.stat()
            if stamp != (found.st_mtime_ns, found.st_ino):
                known = Vault.parse(self.source.read_text(encoding="utf-8"))
                self.__dict__["_seen"] = ((found.st_mtime_ns, found.st_ino), known)
        return known  # type: ignore[no-any-return]

    @property
    def present(self) -> Vault:
        """The ring as it is now: for sealing many values at once, it does not look at its file for each."""
        return self._followed

    @property
    def newest(self) -> int:
        """The version of the key that is sealed with now."""
        return self._followed.current

    @classmethod
    def new(cls) -> Vault:
        """A fresh ring with one key."""
        return cls(1, {1: secrets.token_bytes(32)}, secrets.token_bytes(32))

    @classmethod
    def parse(cls, text: str, *, allow_next: bool = False) -> Vault:
        """Read a ring: ``{"current": 1, "keys": {"1": base64}, "index": base64}``.

        Refuses ``KEYRING_MISSING`` for what is none, and ``REINDEXING`` for one with a ``next_index``, unless allowed.
        """
        try:
            raw = json.loads(text)
            if not allow_next and _NEXT in raw:
                raise Code.REINDEXING.refuse()
            keys = {int(version): base64.b64decode(key, validate=True) for version, key in raw["keys"].items()}
            vault = cls(int(raw["current"]), keys, base64.b64decode(raw["index"], validate=True))
        except (KeyError, TypeError, ValueError, AttributeError, binascii.Error) as error:
            raise Code.KEYRING_MISSING.refuse() from error
        lengths = {len(key) for key in (*keys.values(), vault.index_key)}
        # A sealed value has two bytes for the version of its key.
        if vault.current not in keys or lengths != {32} or not all(0 <= version < 2**16 for version in keys):
            raise Code.KEYRING_MISSING.refuse()
        return vault

    def dump(self) -> str:
        """The ring as text, to be kept as carefully as the data."""
        return json.dumps(
            {
                "current": self.current,
                "keys": {str(version): base64.b64encode(key).decode() for version, key in self.keys.items()},
                "index": base64.b64encode(self.index_key).decode(),
            }
        )

    @cached_property
    def _ciphers(self) -> dict[int, AESGCM]:
        return {version: AESGCM(key) for version, key in self.keys.items()}

    def seal(self, value: str | bytes, place: str, tenant: int) -> bytes:
        """Encrypt a value for one place (table and column) of one county."""
        return self._sealed([value.encode() if isinstance(value, str) else value], place, tenant)[0]

    def moved(self, sealed: Iterable[bytes], source: str, place: str, tenant: int) -> list[bytes]:
        """Seal many values of one place for another, in their order; :class:`VaultError` as of one."""
        return self._sealed([self.open_bytes(value, source, tenant) for value in sealed], place, tenant)

    def _sealed(self, values: Sequence[bytes], place: str, tenant: int) -> list[bytes]:
        ring = self._followed
        head, about = bytes([_FORMAT]) + ring.current.to_bytes(2, "big"), f"{place}|{tenant}".encode()
        encrypt, nonces = ring._ciphers[ring.current].encrypt, os.urandom(_NONCE * len(values))
        found = []
        for value, at in zip(values, range(0, len(nonces), _NONCE), strict=True):
            nonce = nonces[at : at + _NONCE]
            found.append(head + nonce + encrypt(nonce, value, about))
        return found

    def open_bytes(self, sealed: bytes, place: str, tenant: int) -> bytes:
        """Decrypt a value; :class:`VaultError` if it was cut or altered, or belongs to another place or county."""
        if len(sealed) < _HEAD + _TAG or sealed[0] != _FORMAT:
            raise VaultError("the sealed value was cut or is of another format")
        version = int.from_bytes(sealed[1:3], "big")
        ciphers = self._ciphers if version in self._ciphers else self._followed._ciphers
        if version not in ciphers:
            raise VaultError(f"key {version} is not on the ring")
        nonce, body = sealed[3:_HEAD], sealed[_HEAD:]
        try:
            return ciphers[version].decrypt(nonce, body, f"{place}|{tenant}".encode())
        except InvalidTag as error:
            raise VaultError("the sealed value was altered or belongs elsewhere") from error

    def reveal(self, sealed: bytes, place: str, tenant: int) -> str:
        """Decrypt a text."""
        return self.open_bytes(sealed, place, tenant).decode()

    def index(self, value: str, place: str, tenant: int) -> bytes:
        """The blind index of a normalised value: equal values of one county and place have equal indexes."""
        return hmac.new(self.index_key, f"{place}|{tenant}|{value}".encode(), hashlib.sha256).digest()


# --- renewing keys --------------------------------------------------------------------------------------------


def ring_file(settings: Settings) -> Path:
    """The file that holds the ring; an embedded installation makes its own on first use.

    Refuses ``KEYRING_STATED`` where the environment holds the ring itself, and ``KEYRING_MISSING`` where a database of
    one's own is used without one.
    """
    if settings.keyring is not None:
        if _holds_ring(settings.keyring):
            raise Code.KEYRING_STATED.refuse()
        return Path(settings.keyring)
    if settings.database_url is not None:
        raise Code.KEYRING_MISSING.refuse()
    return own_secret(_own_ring(settings), lambda: Vault.new().dump())


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Nobody else changes the ring meanwhile: a key that was lost would take with it what it has sealed."""
    try:
        folder = os.open(path.parent, os.O_RDONLY)
    except OSError as error:
        raise Code.KEYRING_MISSING.refuse() from error
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _write(path: Path, ring: Vault, index: bytes | None = None) -> None:
    """Put a ring in the place of another, whole or not at all."""
    partial = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        raw = json.loads(ring.dump())
        file.write(json.dumps(raw if index is None else {**raw, _NEXT: base64.b64encode(index).decode()}))
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def rotate(settings: Settings) -> int:
    """Add a key to the ring; what is sealed from now on is sealed with it. Its version.

    Refuses ``KEYRING_STATED`` and ``KEYRING_MISSING``.
    """
    path = ring_file(settings)
    with _alone(path):
        ring = Vault._read(path)
        version = max(ring.keys) + 1
        _write(path, replace(ring, current=version, keys={**ring.keys, version: secrets.token_bytes(32)}))
    return version


@contextlib.contextmanager
def next_index(settings: Settings) -> Iterator[Vault]:
    """The ring with a new key of the blind index, which counts when the block has ended well.

    Meanwhile the file holds both, and no other process opens it; a block that was interrupted leaves it so, and the
    next one is given the same key. Refuses ``KEYRING_STATED`` and ``KEYRING_MISSING``.
    """
    path = ring_file(settings)
    with _alone(path):
        text = _text(path)
        ring = Vault.parse(text, allow_next=True)
        begun = json.loads(text).get(_NEXT)
        key = base64.b64decode(begun) if begun is not None else secrets.token_bytes(32)
        _write(path, ring, key)
        renewed = replace(ring, index_key=key)
        yield renewed
        _write(path, renewed)


def retire(settings: Settings, version: int) -> None:
    """Take a key off the ring for good; the caller has made sure that nothing is sealed with it.

    Refuses ``KEY_IN_USE`` for the key that is sealed with, ``BAD_VALUE`` for one that is not on the ring,
    ``KEYRING_STATED`` and ``KEYRING_MISSING``.
    """
    path = ring_file(settings)
    with _alone(path):
        ring = Vault._read(path)
        if version == ring.current:
            raise Code.KEY_IN_USE.refuse("version", version=version, detail=f"{path.name}: current")
        if version not in ring.keys:
            expected = Text("密钥环上的版本", "a version on the ring")
            raise Code.BAD_VALUE.refuse("version", field=Text("密钥版本", "version"), value=version, expected=expected)
        _write(path, replace(ring, keys={own: key for own, key in ring.keys.items() if own != version}))


# --- what screens show ----------------------------------------------------------------------------------------


def mask_identity(number: str) -> str:
    """An identity number as screens show it: the first three and the last two characters."""
    return f"{number[:3]}{'*' * (len(number) - 5)}{number[-2:]}" if len(number) > 5 else "*" * len(number)


def mask_account(number: str) -> str:
    """A bank account as screens show it: the last four digits."""
    return f"{'*' * max(0, len(number) - 4)}{number[-4:]}" if len(number) > 4 else "*" * len(number)


def mask_phone(number: str) -> str:
    """A telephone number as screens show it: the first three and the last four digits."""
    return f"{number[:3]}{'*' * (len(number) - 7)}{number[-4:]}" if len(number) > 7 else "*" * len(number)
