"""How `terp certs` tells what it found."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import typer
from rich.console import Console

from terp.cli import certs
from terp.kubernetes.certificates import HERE, Certificate, Certificates

NOW = datetime.now(UTC)
MONTH = timedelta(days=30)


def certificate(host: str, file: str, days: int) -> Certificate:
    return Certificate(host=host, file=file, end=NOW + timedelta(days=days, hours=1))


ENDING = certificate("cp-1", "/etc/kubernetes/pki/apiserver.crt", 3)
FINE = (
    certificate("cp-0", "/etc/kubernetes/pki/apiserver.crt", 300),
    certificate(HERE, "kubeconfig", 301),
    certificate("cpu-0", "/var/lib/kubelet/pki/kubelet.crt", 302),
    certificate("cpu-1", "/var/lib/kubelet/pki/kubelet.crt", 303),
)


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(certs, "out", Console(width=160))


def shown(capsys: pytest.CaptureFixture[str], found: Certificates, code: int) -> str:
    try:
        certs._end(found, MONTH, as_json=False)
        assert code == 0
    except typer.Exit as end:
        assert end.exit_code == code
    return " ".join(capsys.readouterr().out.split())


def test_one_line_tells_of_each_file_where_it_ends_first(capsys: pytest.CaptureFixture[str]):
    said = shown(capsys, Certificates(found=FINE), 0)
    assert "in 302 days" in said
    assert "in 303 days" not in said
    assert "cpu-0 and 1 more" in said


def test_what_ends_soon_is_named_and_told_by_the_exit_code(capsys: pytest.CaptureFixture[str]):
    said = shown(capsys, Certificates(found=(ENDING, *FINE)), 1)
    assert "cp-1" in said
    assert "in 3 days terp certs renew" in said
    assert "1 of 5 end within 30 days" in said


def test_a_silent_host_is_not_taken_for_a_good_one(capsys: pytest.CaptureFixture[str]):
    assert "no answer from cpu-2" in shown(capsys, Certificates(found=FINE, silent=("cpu-2",)), 1)


def test_machines_get_all_of_it(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(typer.Exit):
        certs._end(Certificates(found=(ENDING, *FINE)), MONTH, as_json=True, renewed=False)
    said = json.loads(capsys.readouterr().out)
    assert (len(said["certificates"]), said["silent"], said["renewed"]) == (5, [], False)
    assert [(each["host"], each["remedy"]) for each in said["due"]] == [("cp-1", "terp certs renew")]
