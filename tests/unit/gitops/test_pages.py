"""The page of all components."""

from pathlib import Path

import pytest

from terp.gitops.pages import components_page
from terp.gitops.reading import read_catalogue

CATALOGUE = read_catalogue()
PUBLISHED = Path(__file__).parents[3] / "docs" / "components.md"


def section(name: str) -> str:
    """What the page says of one component."""
    return components_page(CATALOGUE).partition(f"### {name}\n")[2].partition("\n##")[0]


def test_the_published_page_is_that_of_the_declarations(request: pytest.FixtureRequest):
    if request.config.getoption("--update-golden"):
        PUBLISHED.write_text(components_page(CATALOGUE))
    assert PUBLISHED.read_text() == components_page(CATALOGUE), "declared anew? pytest --update-golden"


def test_every_component_is_on_it_once():
    headings = [line for line in components_page(CATALOGUE).splitlines() if line.startswith("### ")]
    assert sorted(headings) == sorted(f"### {name}" for name in CATALOGUE.components)


@pytest.mark.parametrize(
    "row",
    [
        "| Licence | Apache-2.0 |",
        "| Names | https://harbor.&lt;domain&gt; |",
        "| Databases | `harbor-database`, 10Gi |",
        "| Buckets | `harbor` |",
        "`REDIS_PASSWORD` copied from `valkey/valkey/REDIS_PASSWORD`",
        "to redis, 6379",
    ],
)
def test_a_component_has_what_it_declares(row: str):
    assert row in section("harbor")


def test_what_is_not_declared_has_no_row():
    assert "| Buckets |" not in section("cert-manager")
