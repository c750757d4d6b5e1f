import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.recovery.samples import KEY, OTHER

from terp.errors import TerpError
from terp.recovery.age import ClosedError, new_key, read_keys, seal, unseal

CONTENT = b"what must survive" * 5000


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    plain, closed = tmp_path / "plain", tmp_path / "closed"
    plain.write_bytes(CONTENT)
    seal(plain, closed, [str(KEY.to_public()), str(OTHER.to_public())])
    return closed


@pytest.mark.parametrize("key", [KEY, OTHER])
def test_each_recipient_can_open_it(sealed: Path, tmp_path: Path, key: object):
    unseal(sealed, tmp_path / "opened", [key])  # type: ignore[list-item]
    assert (tmp_path / "opened").read_bytes() == CONTENT
    assert stat.S_IMODE((tmp_path / "opened").stat().st_mode) == 0o600


def test_nobody_else_can_and_nothing_is_left(tmp_path: Path):
    (tmp_path / "plain").write_bytes(CONTENT)
    seal(tmp_path / "plain", tmp_path / "closed", [str(KEY.to_public())])
    with pytest.raises(ClosedError):
        unseal(tmp_path / "closed", tmp_path / "opened", [OTHER])
    assert not (tmp_path / "opened").exists()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_what_was_changed_or_cut_off_does_not_open(sealed: Path, tmp_path: Path, data: st.DataObject):
    content = bytearray(sealed.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content[place] ^= data.draw(st.integers(1, 255))
    else:
        del content[place:]
    damaged = tmp_path / "damaged"
    damaged.write_bytes(content)
    with pytest.raises(ClosedError):
        unseal(damaged, tmp_path / "opened", [KEY])
    assert not (tmp_path / "opened").exists()


def test_a_new_key_is_read_by_its_owner_alone_and_never_written_over(tmp_path: Path):
    file = tmp_path / "key"
    public = new_key(file)
    assert [str(key.to_public()) for key in read_keys(file)] == [public]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(TerpError, match="is there already"):
        new_key(file)


@pytest.mark.parametrize(
    ("text", "said"),
    [("# nothing\n", "has no private key"), (f"{KEY.to_public()}\n", "is no private key")],
    ids=["only a remark", "a public key"],
)
def test_a_file_without_a_private_key_is_refused(tmp_path: Path, text: str, said: str):
    file = tmp_path / "key"
    file.write_text(text)
    with pytest.raises(TerpError, match=said) as caught:
        read_keys(file)
    assert caught.value.exit_code == 2
