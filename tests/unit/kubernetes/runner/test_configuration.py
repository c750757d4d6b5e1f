from configparser import ConfigParser
from pathlib import Path

import pytest

from terp.kubernetes.runner.configuration import configuration, forks


def read(**settings: str) -> ConfigParser:
    parser = ConfigParser(interpolation=None)
    parser.read_string(configuration(Path("/p"), Path("/c"), Path("/f"), 3, 2, settings))
    return parser


@pytest.mark.parametrize(
    ("hosts", "cores", "expected"), [(1, 2, 5), (3, 2, 5), (20, 2, 20), (100, 2, 24), (500, 16, 100)]
)
def test_forks_fit_hosts_and_cores(hosts: int, cores: int, expected: int):
    assert forks(hosts, cores) == expected


def test_facts_are_kept_for_ever_in_the_clusters_folder():
    defaults = read()["defaults"]
    assert (defaults["fact_caching"], defaults["fact_caching_connection"]) == ("jsonfile", "/f")
    assert defaults["fact_caching_timeout"] == "0"


def test_dead_hosts_do_not_hold_a_run_up_and_keys_are_checked():
    found = read()
    assert int(found["defaults"]["timeout"]) <= 30
    assert found["defaults"]["host_key_checking"] == "True"
    assert "ConnectionAttempts" not in found["ssh_connection"]["ssh_args"]


def test_the_installers_settings_go_before_ours():
    found = read(roles_path="/tree/roles", gathering="explicit")
    assert found["defaults"]["roles_path"] == "/tree/roles"
    assert found["defaults"]["gathering"] == "explicit"
