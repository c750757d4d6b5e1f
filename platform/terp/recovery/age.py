"""Encryption of files to public keys, in the format of age (age-encryption.org/v1)."""

import os
from collections.abc import Sequence
from pathlib import Path

import pyrage
from pyrage.x25519 import Identity, Recipient

from terp.errors import TerpError

SECRET = "AGE-SECRET-KEY-"  # noqa: S105 - how a private key begins


class ClosedError(TerpError):
    """Something does not open with the keys that were given."""


def seal(file: Path, to: Path, recipients: Sequence[str]) -> None:
    """Encrypt a file so that each recipient can open it."""
    pyrage.encrypt_file(str(file), str(to), [Recipient.from_str(each) for each in recipients])


def unseal(file: Path, to: Path, keys: Sequence[Identity]) -> None:
    """Decrypt a file; nothing is left of one that does not open.

    Raises:
        ClosedError: none of the keys opens it, or it is not whole.
    """
    to.touch(mode=0o600)
    try:
        pyrage.decrypt_file(str(file), str(to), keys)
    except (pyrage.DecryptError, OSError) as error:
        to.unlink()
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk's own; one without a number is age's: "age file is truncated"
        raise ClosedError(str(error)) from error


def read_keys(file: Path) -> tuple[Identity, ...]:
    """The private keys of a file as `age-keygen` and `terp backup key` write it.

    Raises:
        TerpError: there is no such file, or no key in it (exit code 2).
    """
    try:
        lines = [line.strip() for line in file.read_text().splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise TerpError(f"{file} cannot be read: {error}", exit_code=2) from error
    try:
        keys = tuple(Identity.from_str(line) for line in lines if line and not line.startswith("#"))
    except pyrage.IdentityError as error:
        raise TerpError(
            f"{file} has a line that is no private key of age",
            hint=f"each begins with {SECRET}1",
            exit_code=2,
        ) from error
    if not keys:
        raise TerpError(f"{file} has no private key", hint=f"a line that begins with {SECRET}1", exit_code=2)
    return keys


def new_key(file: Path) -> str:
    """Write a new private key into a file that only its owner reads; its public key.

    Raises:
        TerpError: there is such a file already (exit code 2).
    """
    key = Identity.generate()
    public = str(key.to_public())
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise TerpError(f"{file} is there already: it may open sets", exit_code=2) from error
    except OSError as error:
        raise TerpError(f"{file} cannot be written: {error.strerror}", exit_code=2) from error
    with os.fdopen(handle, "w") as out:
        out.write(f"# public key: {public}\n{key}\n")
        out.flush()
        os.fsync(out.fileno())
    return public
