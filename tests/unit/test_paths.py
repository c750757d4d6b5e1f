from pathlib import Path

import pytest

from terp.paths import PROJECT, cache_dir, state_dir


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("TERP_CACHE", "TERP_STATE", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", "/home/ada")


def test_the_project_is_the_folder_with_the_program():
    assert (PROJECT / "Pulumi.yaml").is_file()


def test_without_settings_all_lies_in_the_users_home():
    assert cache_dir() == Path("/home/ada/.cache/terp")
    assert state_dir() == Path("/home/ada/.local/state/terp")


def test_the_desktops_settings_move_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/big")
    monkeypatch.setenv("XDG_STATE_HOME", "/fast")
    assert (cache_dir(), state_dir()) == (Path("/big/terp"), Path("/fast/terp"))


@pytest.mark.parametrize("useless", ["", "relative/path"])
def test_a_desktop_setting_that_is_not_absolute_is_ignored(monkeypatch: pytest.MonkeyPatch, useless: str):
    monkeypatch.setenv("XDG_CACHE_HOME", useless)
    assert cache_dir() == Path("/home/ada/.cache/terp")


def test_terps_own_settings_go_before_all_others(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/big")
    monkeypatch.setenv("TERP_CACHE", "~/here")
    monkeypatch.setenv("TERP_STATE", "there")
    assert cache_dir() == Path("/home/ada/here")
    assert state_dir() == Path.cwd() / "there"
