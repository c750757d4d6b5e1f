"""Which credential signs, and where it comes from; the service itself is in tests/integration/recovery."""

import os
from pathlib import Path

import pytest

from terp.environment.recovery import S3
from terp.errors import TerpError
from terp.recovery.s3 import _credential, _Refusal

KEYS = {"access_key_id": "one", "secret_access_key": "two"}


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch):
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "credentials"
    file.write_text(
        "[default]\naws_access_key_id = one\naws_secret_access_key=two\nregion = here\n"
        "[other]\naws_access_key_id = 1%\naws_secret_access_key = 2\naws_session_token = 3\n"
    )
    return file


def test_a_file_has_it_by_profile(file: Path, monkeypatch: pytest.MonkeyPatch):
    assert _credential(file) == KEYS
    monkeypatch.setenv("AWS_PROFILE", "other")
    assert _credential(file) == {"access_key_id": "1%", "secret_access_key": "2", "session_token": "3"}


def test_variables_come_before_the_file(file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    assert _credential(file) == {"access_key_id": "a", "secret_access_key": "b"}


@pytest.mark.parametrize("name", ["credentials", "missing"])
def test_without_one_the_error_says_where_it_goes(file: Path, name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_PROFILE", "third")
    with pytest.raises(TerpError, match=r"\[third\]") as caught:
        _credential(file.with_name(name))
    assert caught.value.exit_code == 2


def test_half_a_credential_is_none(file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    with pytest.raises(TerpError, match="no credential"):
        _credential(file)


def test_a_file_that_is_none_is_told_without_its_content(file: Path):
    file.write_text("a-secret-alone")
    with pytest.raises(TerpError, match="is no file of credentials") as caught:
        _credential(file)
    assert "a-secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_what_a_service_says_is_taken_from_its_xml_and_the_rest_left_out():
    error = RuntimeError(
        "Generic S3 error: Error performing GET http://s3/b in 2ms - Server returned non-2xx status code: "
        "403 Forbidden: <?xml?>\n<Error><Code>AccessDenied</Code><Message>No.</Message></Error>\n"
        "\nDebug source:\nGeneric {}"
    )
    assert _Refusal.of(error) == ("403", "AccessDenied", "AccessDenied: No.")
    assert (
        _Refusal.of(RuntimeError("Generic S3 error: in 2ms - HTTP error: x\n\nDebug")).text == "HTTP error: x"
    )


def test_by_default_the_service_is_that_of_the_variables():
    assert (S3().endpoint, S3().region, S3().credential) == (None, None, "~/.aws/credentials")
