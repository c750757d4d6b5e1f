"""How values reach a chart."""

from terp.gitops.sources import nested


def test_a_key_names_its_place_by_dots():
    assert nested({"a.b": 1, "a.c": 2}) == {"a": {"b": 1, "c": 2}}


def test_a_dot_of_a_key_itself_is_written_as_for_helm():
    assert nested({r"configs.cm.oidc\.config": "x"}) == {"configs": {"cm": {"oidc.config": "x"}}}
