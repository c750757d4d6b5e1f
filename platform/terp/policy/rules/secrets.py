"""Secrets that stand in plain text in a stack's file, where everyone who reads the repository has them."""

import re
from collections.abc import Iterator

from terp.environment.findings import ENVIRONMENT, Key, dotted
from terp.policy.finding import Objection

NAME = re.compile(
    r"(passw(or)?d|passphrase|secret|token|(private|api|access|secret|encryption)[_-]?key)s?$", re.IGNORECASE
)
"""How names end whose values nobody else may know."""
VALUE = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|AGE-SECRET-KEY-1"
    r"|\b(AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36}|glpat-[A-Za-z0-9_-]{20}|hvs\.[A-Za-z0-9_-]{20})"
    r"|://[^/\s:@]+:[^/\s@]+@"
)
"""What a key, a token or a password in an address looks like, wherever it stands."""


def plain_secrets(config: object) -> Iterator[Objection]:
    """Of what stands under `config` in a stack's file; what is encrypted there (`secure:`) is none.

    The names below `terp:environment` are known, and none of them holds a secret: there values alone tell.
    """
    for key, value in _texts(config, ()):
        by_name = key[:1] != (ENVIRONMENT,) and any(NAME.search(str(step)) for step in key)
        if (by_name and value) or VALUE.search(value):
            yield Objection(
                dotted(key),
                "a secret in plain text; encrypted: pulumi config set --secret, or a file of its own",
            )


def _texts(value: object, key: Key) -> Iterator[tuple[Key, str]]:
    if isinstance(value, dict):
        if value.keys() != {"secure"}:
            for name, each in value.items():
                yield from _texts(each, (*key, name))
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from _texts(each, (*key, place))
    elif value is not None and not isinstance(value, bool):
        yield key, str(value)
