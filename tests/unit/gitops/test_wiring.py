"""What components declare together, as values ask for it."""

from tests.unit.gitops.platforms import platform
from tests.unit.gitops.selections import FACTS, catalogue, component, known, selection

from terp.gitops.facts import fill
from terp.gitops.selection import select
from terp.gitops.wiring import lists

SECRET = {
    "name": "web",
    "description": "It.",
    "keys": [
        {"name": "client-secret"},
        {"name": "user"},
        {"name": "password"},
        {"name": "licence", "origin": "given", "description": "Bought."},
        {"name": "redis", "origin": "copied", "copy_of": "store/store/PASSWORD"},
    ],
}
WEB = component(
    secrets=[SECRET],
    clients=[
        {"name": "web", "secret": "web/client-secret", "redirects": ["https://web.{domain}/callback"]},
        {"name": "cli", "redirects": ["http://localhost:8000"]},
    ],
    buckets=[{"name": "web", "secret": "web", "access_key": "user", "secret_key": "password"}],
    databases=[{"name": "db", "database": "app", "size": "1Gi"}],
    routes=[{"host": "web", "service": "web", "port": 80}],
)


def words(**more: object) -> dict[str, object]:
    return dict(known(selection(web=WEB, **more)))  # type: ignore[arg-type]


def test_clients_are_told_with_their_redirects_and_the_place_of_their_secret():
    assert words()["clients"] == [
        {
            "name": "web",
            "redirects": ["https://web.ml.example.org/callback"],
            "vault": {"path": "platform/web/web", "key": "client-secret"},
        },
        {"name": "cli", "redirects": ["http://localhost:8000"]},
    ]


def test_buckets_are_told_with_the_keys_of_their_user():
    keys = {"path": "platform/web/web", "access_key": "user", "secret_key": "password"}
    assert words()["buckets"] == [{"name": "web", "vault": keys}]


def test_what_is_made_at_random_is_told_and_nothing_that_is_given_or_copied():
    assert words()["generated"] == [
        {"path": "platform/web/web", "keys": ["client-secret", "user", "password"]}
    ]


def test_hosts_are_those_of_the_routes():
    assert words()["hosts"] == ["web.ml.example.org"]


def test_a_word_alone_keeps_its_list():
    told = known(selection(web=WEB))
    assert fill("{hosts}", told) == ["web.ml.example.org"]
    assert fill("{replicas}", told) == 3
    assert fill("https://{domain}", told) == "https://ml.example.org"


def test_backups_of_databases_have_a_bucket_and_keys_of_their_own():
    found = words(plugin_barman_cloud=component())
    keys = {
        "path": "platform/web/db-backup",
        "access_key": "ACCESS_KEY_ID",
        "secret_key": "SECRET_ACCESS_KEY",
    }
    assert {"name": "db-backup", "vault": keys} in found["buckets"]  # type: ignore[operator]
    made = {"path": "platform/web/db-backup", "keys": ["ACCESS_KEY_ID", "SECRET_ACCESS_KEY"]}
    assert made in found["generated"]  # type: ignore[operator]


def test_a_client_whose_secret_is_a_copy_has_the_place_of_the_original():
    key = {"name": "client-secret", "origin": "copied", "copy_of": "web/web/client-secret"}
    proxy = component(
        secrets=[{"name": "proxy", "description": "It.", "keys": [key]}],
        clients=[{"name": "p", "secret": "proxy/client-secret", "redirects": ["http://localhost"]}],
    )
    (found,) = lists(selection(proxy=proxy), FACTS).clients
    assert found.vault
    assert (found.vault.path, found.vault.key) == ("platform/web/web", "client-secret")


def test_projects_have_buckets_and_what_is_made_for_them():
    projects = {"vision": {"owner": "ada@example.org", "registry": True}}
    told = lists(select(catalogue(web=WEB), platform(projects=projects)), FACTS)
    keys = {"path": "projects/vision/s3", "access_key": "access-key", "secret_key": "secret-key"}
    assert told.buckets[-1].model_dump() == {"name": "project-vision", "vault": keys}
    assert [each.model_dump() for each in told.generated[-2:]] == [
        {"path": "projects/vision/s3", "keys": ("access-key", "secret-key")},
        {"path": "projects/vision/registry", "keys": ("password",)},
    ]
    assert [each.name for each in told.projects] == ["vision"]
