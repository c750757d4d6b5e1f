"""Which entry of which clouds.yaml is taken."""

from pathlib import Path

import openstack.config.loader
import pytest
import yaml

from terp.environment.cloud import Cloud
from terp.errors import TerpError
from terp.openstack.connection import connect, environment_variables


def write(file: Path, *names: str) -> Path:
    auth = {
        "auth_url": "http://127.0.0.1:9/v3",
        "username": "u",
        "password": "p",
        "project_name": "n",
        "user_domain_name": "Default",
        "project_domain_name": "Default",
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    clouds = {name: {"auth": auth, "regions": ["north", "south"]} for name in names}
    file.write_text(yaml.safe_dump({"clouds": clouds}))
    return file


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing of this machine's: the one place for clouds.yaml is `tmp_path`."""
    for name in ("OS_CLIENT_CONFIG_FILE", "OS_CLIENT_SECURE_FILE", "OS_CLOUD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERP_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(openstack.config.loader, "CONFIG_FILES", [str(tmp_path / "clouds.yaml")])
    monkeypatch.setattr(openstack.config.loader, "SECURE_FILES", [str(tmp_path / "secure.yaml")])
    return tmp_path


def test_an_entry_in_the_usual_places(places: Path):
    file = write(places / "clouds.yaml", "production")
    assert environment_variables(Cloud(name="production")) == {
        "OS_CLIENT_CONFIG_FILE": str(file),
        "OS_CLOUD": "production",
        "OS_ENDPOINT_TYPE": "public",
        "OS_REGION_NAME": "north",
    }


def test_the_region_of_the_environment(places: Path):
    write(places / "clouds.yaml", "production")
    assert environment_variables(Cloud(name="production", region="south"))["OS_REGION_NAME"] == "south"
    with pytest.raises(TerpError, match="Region west is not a valid region name") as caught:
        environment_variables(Cloud(name="production", region="west"))
    assert caught.value.exit_code == 2


def test_a_file_named_by_the_user_is_the_only_one(places: Path, monkeypatch: pytest.MonkeyPatch):
    write(places / "clouds.yaml", "production")
    other = write(places / "other.yaml", "test")
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(other))
    assert environment_variables(Cloud(name="test"))["OS_CLIENT_CONFIG_FILE"] == str(other)
    with pytest.raises(TerpError, match=r"other.yaml has no cloud 'production'"):
        environment_variables(Cloud(name="production"))


def test_secrets_in_a_file_of_their_own_go_with_it(places: Path):
    write(places / "clouds.yaml", "production")
    (places / "secure.yaml").write_text("clouds: {production: {auth: {password: s}}}\n")
    variables = environment_variables(Cloud(name="production"))
    assert variables["OS_CLIENT_SECURE_FILE"] == str(places / "secure.yaml")


def test_the_embedded_cloud_needs_no_file_of_the_users(places: Path):
    own = write(places / "state" / "cloud" / "clouds.yaml", "embedded")
    assert environment_variables(Cloud(name="embedded"))["OS_CLIENT_CONFIG_FILE"] == str(own)
    write(places / "clouds.yaml", "production")
    assert environment_variables(Cloud(name="embedded"))["OS_CLIENT_CONFIG_FILE"] == str(own)


def test_an_entry_of_the_users_comes_before_the_embedded_cloud(places: Path):
    write(places / "state" / "cloud" / "clouds.yaml", "embedded")
    theirs = write(places / "clouds.yaml", "embedded")
    assert environment_variables(Cloud(name="embedded"))["OS_CLIENT_CONFIG_FILE"] == str(theirs)


@pytest.mark.parametrize(
    ("name", "hint"),
    [("embedded", "make the embedded cloud: terp cloud up"), ("production", "looked at ")],
)
def test_no_file_at_all(name: str, hint: str):
    with pytest.raises(TerpError, match=f"there is no clouds.yaml with the cloud '{name}'") as caught:
        connect(Cloud(name=name))
    assert caught.value.hint.startswith(hint)
    assert caught.value.exit_code == 2


def test_an_entry_that_is_misspelt(places: Path):
    write(places / "clouds.yaml", "production", "test")
    with pytest.raises(TerpError) as caught:
        connect(Cloud(name="prodution"))
    assert caught.value.hint == "did you mean 'production'?"
    with pytest.raises(TerpError) as caught:
        connect(Cloud(name="x"))
    assert caught.value.hint == "it has production, test"


def test_a_connection_has_its_limits_and_has_called_nobody(places: Path):
    write(places / "clouds.yaml", "production")
    connection = connect(Cloud(name="production"), timeout=3, retries=0)
    assert connection.config.config["api_timeout"] == 3
    assert connection.config.get_connect_retries("compute") == 0
    assert connection.config.get_status_code_retries("network") == 0
