from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.unit.recovery.samples import KEY, manifest

from terp.kubernetes.keys import PRINTED
from terp.recovery.contents import PARTS, Layer, parts_of
from terp.recovery.manifest import DamagedError, Manifest, Sealed, created, read_manifest

moments = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
digests = st.text("0123456789abcdef", min_size=64, max_size=64)
layers = st.lists(st.sampled_from([part.of for part in PARTS]), unique=True, min_size=1)


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    there: tuple[Layer, ...] = tuple(draw(layers))
    return Manifest(
        stack=draw(st.from_regex(r"[a-z]{1,10}", fullmatch=True)),
        created=draw(moments),
        layers=there,
        revision=draw(st.text("0123456789abcdef", min_size=40, max_size=40)),
        recipients=(str(KEY.to_public()),),
        fingerprints=draw(st.dictionaries(st.sampled_from(sorted(PRINTED)), digests)),
        etcd_revision=draw(st.none() | st.integers(1, 2**63)),
        objects={
            part.name: Sealed(sha256=draw(digests), size=draw(st.integers(1, 2**40)))
            for part in parts_of(there)
        },
    )


@given(manifests())
def test_what_is_read_is_what_was_written(written: Manifest):
    assert read_manifest(written.name, written.content) == written
    assert created(written.name) == written.created.replace(microsecond=0)


@given(manifests(), st.data())
def test_no_byte_can_be_changed(written: Manifest, data: st.DataObject):
    content = bytearray(written.content)
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(DamagedError):
        read_manifest(written.name, bytes(content))


@given(manifests(), st.data())
def test_no_end_can_be_missing(written: Manifest, data: st.DataObject):
    cut = written.content[: data.draw(st.integers(0, len(written.content) - 1))]
    with pytest.raises(DamagedError):
        read_manifest(written.name, cut)


@given(manifests(), manifests())
def test_a_manifest_stands_under_no_other_name(one: Manifest, other: Manifest):
    if one != other:
        with pytest.raises(DamagedError):
            read_manifest(other.name, one.content)


@pytest.mark.parametrize("missing", [part.name for part in parts_of(("cloud",))])
def test_a_set_that_lacks_something_is_none(missing: str):
    names = [part.name for part in parts_of(("cloud",)) if part.name != missing]
    with pytest.raises(ValidationError, match=f"lacks {missing}"):
        manifest(objects=names)


def test_a_set_has_nothing_that_is_not_declared():
    names = [part.name for part in parts_of(("cloud",))]
    with pytest.raises(ValidationError, match="has also note"):
        manifest(objects=[*names, "note"])


def test_every_key_that_a_cluster_cannot_be_without_must_survive():
    assert {part.name for part in PARTS} >= PRINTED.keys()


def test_every_part_has_one_name_that_is_one_of_a_file():
    names = [part.name for part in PARTS]
    assert len(set(names)) == len(names)
    assert not [name for name in names if "/" in name or name.startswith(".") or name.endswith(".age")]
