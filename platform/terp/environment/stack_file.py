"""Reads the environment from its stack file, or says everything that is wrong with it, with lines."""

import re
from pathlib import Path
from typing import cast

from terp.environment.document import Document, Unreadable, parse
from terp.environment.environment import Environment
from terp.environment.findings import (
    ENVIRONMENT,
    Finding,
    InvalidEnvironmentError,
    Key,
    Mistake,
    did_you_mean,
    dotted,
    nearest,
)
from terp.environment.validation import validate
from terp.errors import TerpError
from terp.paths import PROJECT

STACKS = PROJECT / "stacks"
WAY: Key = ("config", ENVIRONMENT)


def read(file: Path) -> Environment:
    """The environment of `stacks/Pulumi.<environment>.yaml`.

    Raises:
        InvalidEnvironmentError: with all that is wrong (exit code 2).
        TerpError: there is no such file, or it cannot be read (exit code 2).
    """
    try:
        document = parse(_text(file))
    except Unreadable as error:
        mistake = Mistake(file=file, line=error.line, key=ENVIRONMENT, message=error.message)
        raise InvalidEnvironmentError([mistake]) from error
    if lost := _lost(document):
        raise InvalidEnvironmentError([_placed(lost, document, file)])
    written = {key[len(WAY) :]: text for key, text in document.written.items() if key[: len(WAY)] == WAY}
    checked = validate(document.at(WAY), stack_name(file), written)
    of_rules = [] if isinstance(checked, Environment) else [_in_file(each) for each in checked]
    if mistakes := [_placed(each, document, file) for each in (*document.findings, *of_rules)]:
        raise InvalidEnvironmentError(sorted(mistakes, key=lambda each: each.line or 0))
    return cast("Environment", checked)


def check(value: object, stack: str | None = None) -> Environment:
    """The environment from a value as Pulumi gives it; `stack`, its name, is checked too when it is given.

    Raises:
        InvalidEnvironmentError: with all that is wrong (exit code 2); without lines.
    """
    checked = validate(value, stack, {})
    if isinstance(checked, Environment):
        return checked
    nowhere = Document(None, {}, {}, ())
    raise InvalidEnvironmentError([_placed(_in_file(each), nowhere, None) for each in checked])


def stack_name(file: Path) -> str:
    """`prod` of `Pulumi.prod.yaml`, and of `Pulumi.prod.example.yaml`."""
    return re.sub(r"^Pulumi\.|(\.example)?\.ya?ml$", "", file.name)


def stack_file(stack: str, folder: Path = STACKS) -> Path:
    """The file of a stack; a path to a file is taken as it is.

    Raises:
        TerpError: there is no such stack (exit code 2); says which there are.
    """
    if "/" in stack or stack.endswith((".yaml", ".yml")):
        return Path(stack)
    file = folder / f"Pulumi.{stack}.yaml"
    if not file.exists():
        raise _no_stack(file)
    return file


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise _no_stack(file) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise Unreadable("no UTF-8 text", line) from error
    except OSError as error:
        raise TerpError(f"{file} cannot be read: {error.strerror}", exit_code=2) from error


def _no_stack(file: Path) -> TerpError:
    known = [stack_name(each) for each in file.parent.glob("Pulumi.*.yaml") if not each.match("*.example.*")]
    hint = did_you_mean(stack_name(file), known) or "copy stacks/Pulumi.production.example.yaml"
    shown = file.relative_to(PROJECT) if file.is_relative_to(PROJECT) else file
    return TerpError(f"there is no stack file {shown}", hint=hint, exit_code=2)


def _lost(document: Document) -> Finding | None:
    """Where the way to the environment ends, if it does."""
    value = document.value
    for place, step in enumerate(WAY):
        names = list(value) if isinstance(value, dict) else []
        if step not in names:
            near = nearest(str(step), names)
            said = f'"{near}" should be "{step}"' if near else 'see "terp explain"'
            if ENVIRONMENT in names:
                near, said = (
                    ENVIRONMENT,
                    f'"config:" in a line above "{ENVIRONMENT}:", and all below it indented',
                )
            return Finding(
                key=(*WAY[:place], near) if near else WAY[:place],
                message=f'"{step}" is missing: an environment stands under config, {ENVIRONMENT}',
                suggestion=said,
            )
        value = cast("dict[str, object]", value)[str(step)]
    return None


def _in_file(finding: Finding) -> Finding:
    """A finding in the environment as one in its file."""
    other = finding.other
    return finding.model_copy(
        update={"key": (*WAY, *finding.key), "other": None if other is None else (*WAY, *other)}
    )


def _placed(finding: Finding, document: Document, file: Path | None) -> Mistake:
    message = finding.message
    if finding.other is not None:
        line = document.lines.get(finding.other)
        where = f"line {line}" if line else "the default" if file else ""
        said = ", ".join(each for each in (finding.value, where) if each)
        message += f" {dotted(finding.other[len(WAY) :])}{f' ({said})' if said else ''}"
    return Mistake(
        file=file,
        line=_line(document, finding.key),
        key=_name(finding.key),
        message=message,
        suggestion=finding.suggestion,
    )


def _line(document: Document, key: Key) -> int | None:
    """The line of the key, or of the nearest one above it that is there."""
    above = (key[:length] for length in range(len(key), -1, -1))
    return next((document.lines[each] for each in above if each in document.lines), None)


def _name(key: Key) -> str:
    if key[: len(WAY)] == WAY:
        return dotted((ENVIRONMENT, *key[len(WAY) :]))
    return dotted(key) or "config"
