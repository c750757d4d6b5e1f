"""Removes things step by step, those of one step at once; what does not go is said, and holds up no other."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from terp.beside import workers
from terp.errors import TerpError
from terp.progress import Task
from terp.stack.reap.judgement import steps
from terp.stack.reap.model import Thing
from terp.stack.reap.survey import Found

if TYPE_CHECKING:
    from openstack.connection import Connection

AT_ONCE = 8
TO_LET_GO = 60.0
"""Seconds for which something is tried again that another thing still stands on."""


@dataclass(frozen=True)
class Removal:
    """What went, and what did not and why."""

    removed: tuple[Thing, ...] = ()
    failed: tuple[tuple[Thing, str], ...] = ()


def remove(connection: "Connection", found: Sequence[Found], task: Task) -> Removal:
    """Remove all of it."""
    by_id = {(each.thing.kind, each.thing.id): each for each in found}
    removed: list[Thing] = []
    failed: list[tuple[Thing, str]] = []

    def one(thing: Thing) -> None:
        said = _remove_one(connection, by_id[thing.kind, thing.id])
        if said:
            failed.append((thing, said))
        else:
            removed.append(thing)
        task.update(f"{len(removed)} of {len(found)}: {thing}", len(removed) / len(found))

    with workers(AT_ONCE) as threads:
        for step in steps(each.thing for each in found):
            list(threads.map(one, step))
    return Removal(tuple(removed), tuple(failed))


def _remove_one(connection: "Connection", found: Found) -> str:
    """What is wrong; nothing when it is gone."""
    from keystoneauth1.exceptions import ClientException
    from openstack.exceptions import ConflictException, NotFoundException, SDKException

    patient = Retrying(
        stop=stop_after_delay(TO_LET_GO),
        wait=wait_fixed(2),
        retry=retry_if_exception_type(ConflictException),
        reraise=True,
    )
    try:
        patient(found.remove, connection)
    except NotFoundException:
        return ""
    except TerpError as error:
        return error.message
    except (SDKException, ClientException) as error:
        return str(getattr(error, "details", None) or error).partition("\n")[0]
    return ""


def sentences(failed: Iterable[tuple[Thing, str]]) -> list[str]:
    """`network smoke-…: still in use`."""
    return [f"{thing}: {said}" for thing, said in failed]
