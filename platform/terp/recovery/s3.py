"""A bucket of an S3 service as a place for recovery sets."""

import configparser
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

from obstore.exceptions import BaseError
from obstore.store import S3Store

from terp.environment.recovery import S3
from terp.errors import TerpError
from terp.recovery.store import Entry

if TYPE_CHECKING:  # these types are not there at run time
    from obstore.store import ClientConfig, RetryConfig, S3Config

PART = 16 << 20
"""Bytes of an upload's part; S3 takes 10,000 of them."""
AT_ONCE = 4
"""Parts that are on the way side by side."""
ANSWER = timedelta(minutes=10)
"""How long a request may take: a part, or an object that comes here, on a slow line."""
SILENCE = timedelta(seconds=60)
RETRIES: "RetryConfig" = {
    "max_retries": 30,
    "retry_timeout": timedelta(seconds=90),
    "backoff": {"init_backoff": timedelta(seconds=0.5), "max_backoff": timedelta(seconds=10), "base": 2},
}
"""A service that is away for a minute is waited for."""
STATUS = re.compile(r"status code: (\d{3})")
SAID = re.compile(r"<Code>(?P<code>\w+)</Code>\s*<Message>(?P<message>[^<]*)</Message>")
"""How the library's errors tell what HTTP and S3 (in its XML) say."""
NO_BUCKET = "NoSuchBucket"
FORBIDDEN = frozenset({"401", "403"})
NAMES = {
    "aws_access_key_id": "AWS_ACCESS_KEY_ID",
    "aws_secret_access_key": "AWS_SECRET_ACCESS_KEY",
    "aws_session_token": "AWS_SESSION_TOKEN",
}
"""Keys of a credential's file, and the variables that come before it."""


class Bucket:
    """The part of a bucket below a prefix.

    S3 shows an object when all of it has arrived with the SHA-256 that it was announced with, and not before.
    """

    def __init__(self, place: str, below: str, service: S3) -> None:
        """`place` is `s3://bucket/prefix`.

        Raises:
            TerpError: there is no such bucket, or no credential that may use it (exit code 2).
        """
        bucket, _, prefix = place.removeprefix("s3://").strip("/").partition("/")
        self._bucket = bucket
        self._endpoint = (
            service.endpoint or _of_environment("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL") or "AWS"
        )
        self._store = S3Store(
            bucket,
            prefix="/".join(filter(None, (prefix, below))),
            config=_configuration(service),
            client_options=_client(service),
            retry_config=RETRIES,
        )
        with self._answering(exit_code=2):
            next(iter(self._store.list(chunk_size=1)), None)

    def put(self, name: str, source: Path) -> None:
        """Store a copy of a file; until it is whole there is none."""
        with self._answering():
            self._store.put(name, source, chunk_size=PART, max_concurrency=AT_ONCE)

    def get(self, name: str, to: Path) -> None:
        """Copy a stored file; raises FileNotFoundError if there is none."""
        with self._answering(missing=name), to.open("wb") as out:
            for part in self._store.get(name):
                out.write(part)

    def entries(self, folder: str) -> Mapping[str, Entry]:
        """The whole files of a folder by their names in it."""
        with self._answering():
            found = [each for some in self._store.list(folder) for each in some]
        named = {each["path"].removeprefix(f"{folder}/"): each for each in found}
        return {
            name: Entry(each["size"], each["last_modified"])
            for name, each in sorted(named.items())
            if "/" not in name
        }

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        with self._answering():
            self._store.delete(name)

    @contextmanager
    def _answering(self, *, missing: str = "", exit_code: int = 1) -> Iterator[None]:
        """What the service refuses, in words; `missing` is a file that may not be there."""
        try:
            yield
        except (BaseError, FileNotFoundError) as error:
            said = _Refusal.of(error)
            if missing and isinstance(error, FileNotFoundError) and said.code != NO_BUCKET:
                raise FileNotFoundError(missing) from error
            place = f"bucket {self._bucket} of {self._endpoint}"
            if said.code == NO_BUCKET:
                raise TerpError(
                    f"there is no {place}", hint="make it, or correct its name", exit_code=2
                ) from error
            if said.status in FORBIDDEN:
                raise TerpError(
                    f"the credential is refused for {place}: {said.text}",
                    hint="who may list, read, write and delete there? See AWS_ACCESS_KEY_ID, "
                    "or the file that recovery.s3.credential names",
                    exit_code=2,
                ) from error
            raise TerpError(
                f"{place}: {said.text}",
                hint="does it answer, and is the endpoint right? Then run it again",
                exit_code=exit_code,
            ) from error


class _Refusal(NamedTuple):
    """Why a request failed: the status of HTTP, S3's code, and in words."""

    status: str
    code: str
    text: str

    @classmethod
    def of(cls, error: Exception) -> Self:
        """As the library's error tells it, whose further lines are its inside."""
        status, said = STATUS.search(str(error)), SAID.search(str(error))
        text = str(error).partition("\n")[0].rpartition(" - ")[2]
        return cls(
            status=status[1] if status else "",
            code=said["code"] if said else "",
            text=f"{said['code']}: {said['message']}" if said else text,
        )


def _configuration(service: S3) -> "S3Config":
    """What the file says comes before variables, except for the credential."""
    found: S3Config = {
        "checksum_algorithm": "sha256",
        "disable_bulk_delete": True,  # not every service has it
        **_credential(Path(service.credential).expanduser()),  # type: ignore[typeddict-item]
    }
    if service.endpoint:
        found["aws_endpoint_url_s3"] = service.endpoint
    if service.region:
        found["region"] = service.region
    return found


def _client(service: S3) -> "ClientConfig":
    options: ClientConfig = {
        "allow_http": True,  # objects are encrypted, and requests are signed without showing the secret
        "timeout": ANSWER,
        "read_timeout": SILENCE,
    }
    bundle = _of_environment("AWS_CA_BUNDLE")
    if authorities := service.ca or (bundle and _read(Path(bundle))):
        options["root_certificate"] = authorities
    return options


def _credential(file: Path) -> Mapping[str, str]:
    """What signs requests, by the names that the library has for it.

    Raises:
        TerpError: there is none (exit code 2).
    """
    variables = {key: os.environ[name] for key, name in NAMES.items() if os.environ.get(name)}
    profile = os.environ.get("AWS_PROFILE", "default")
    found = variables or _profile(file, profile)
    if not {"aws_access_key_id", "aws_secret_access_key"} <= found.keys():
        raise TerpError(
            "there is no credential for the bucket",
            hint="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or write both in lower case below "
            f"[{profile}] to {file}",
            exit_code=2,
        )
    return {key.removeprefix("aws_"): value for key, value in found.items()}


def _profile(file: Path, name: str) -> dict[str, str]:
    if not file.is_file():
        return {}
    parser = configparser.ConfigParser(interpolation=None, default_section="")
    try:
        parser.read_string(_read(file))
    except configparser.Error:  # its message would show the line
        raise TerpError(
            f"{file} is no file of credentials", hint="[default]\n  aws_access_key_id = ...", exit_code=2
        ) from None
    return {key: value for key, value in parser[name].items() if key in NAMES} if name in parser else {}


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError as error:
        raise TerpError(f"{file} cannot be read: {error.strerror}", exit_code=2) from error


def _of_environment(*names: str) -> str:
    return next((os.environ[name] for name in names if os.environ.get(name)), "")
