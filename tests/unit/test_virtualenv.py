from pathlib import Path

import pytest

from terp.errors import TerpError
from terp.virtualenv import Virtualenv, link, pip_configuration, uv_environment

LISTED = """\
:env:.timeout='20'
global.index-url='https://mirror.example/simple'
global.timeout='10'
global.trusted-host='a.example\\nb.example'
install.index-url='https://team.example/simple'
download.index-url='https://other.example/simple'
freeze.timeout='1'
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TERP_CACHE", str(tmp_path / "cache"))
    project = tmp_path / "project"
    (project / "requirements").mkdir(parents=True)
    for name in ("terp", "development"):
        (project / "requirements" / f"{name}.lock").write_text(f"# {name}\n")
    return project


def made(name: str, project: Path) -> Path:
    """What looks like a finished environment."""
    venv = Virtualenv(name, project)
    venv.python.parent.mkdir(parents=True)
    venv.python.touch()
    (venv.root / "complete").touch()
    return venv.root


def test_the_path_changes_with_the_lock_file(project: Path):
    before = Virtualenv("terp", project).root
    assert before == Virtualenv("terp", project).root
    (project / "requirements" / "terp.lock").write_text("# another\n")
    assert before != Virtualenv("terp", project).root


def test_an_unknown_name_is_the_callers_mistake(project: Path):
    with pytest.raises(TerpError, match=r"nothing\.lock") as raised:
        Virtualenv("nothing", project)
    assert raised.value.exit_code == 2


def test_an_interrupted_environment_does_not_count(project: Path):
    root = made("terp", project)
    assert Virtualenv("terp", project).exists()
    (root / "complete").unlink()
    assert not Virtualenv("terp", project).exists()


def test_an_environment_whose_python_was_removed_does_not_count(project: Path):
    root = made("terp", project)
    (root / "bin" / "python").unlink()
    (root / "bin" / "python").symlink_to("/nowhere/python")
    assert not Virtualenv("terp", project).exists()


def test_editors_get_the_development_environment_when_there_is_one(project: Path):
    link(project)
    assert not (project / ".venv").is_symlink()
    terp = made("terp", project)
    link(project)
    assert (project / ".venv").readlink() == terp
    development = made("development", project)
    link(project)
    link(project)
    assert (project / ".venv").readlink() == development
    assert {path.name for path in project.iterdir()} == {"requirements", ".venv"}


def test_somebodys_own_environment_is_left_alone(project: Path):
    (project / ".venv").mkdir()
    made("terp", project)
    link(project)
    assert not (project / ".venv").is_symlink()


def test_pips_own_order_decides_between_its_settings():
    assert pip_configuration(LISTED) == {
        "index-url": "https://team.example/simple",
        "timeout": "20",
        "trusted-host": "a.example\nb.example",
    }


def test_pip_without_settings_gives_none():
    assert pip_configuration("") == {}


def test_uv_takes_what_pip_was_set_up_with(tmp_path: Path):
    env = uv_environment(
        {
            "index-url": "https://user:secret@mirror.example/simple",
            "extra-index-url": "https://a.example/simple\nhttps://b.example/simple",
            "trusted-host": "a.example\nb.example",
            "cert": "/etc/company.pem",
            "client-cert": "/etc/me.pem",
            "proxy": "http://proxy.example:3128",
            "timeout": "20",
            "retries": "7",
            "find-links": f"{tmp_path} {tmp_path}/absent https://wheels.example/",
        }
    )
    assert env == {
        "UV_DEFAULT_INDEX": "https://user:secret@mirror.example/simple",
        "UV_INDEX": "https://a.example/simple https://b.example/simple",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_INSECURE_HOST": "a.example b.example",
        "SSL_CERT_FILE": "/etc/company.pem",
        "SSL_CLIENT_CERT": "/etc/me.pem",
        "ALL_PROXY": "http://proxy.example:3128",
        "UV_HTTP_TIMEOUT": "20",
        "UV_HTTP_RETRIES": "7",
        "UV_FIND_LINKS": f"{tmp_path},https://wheels.example/",
        "UV_PYTHON_DOWNLOADS": "never",
    }


def test_without_a_certificate_the_machines_own_are_used():
    assert uv_environment({})["UV_SYSTEM_CERTS"] == "1"
    assert "SSL_CERT_FILE" not in uv_environment({})
