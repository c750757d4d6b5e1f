from hypothesis import given
from hypothesis import strategies as st

from terp.provider.differences import differences

VALUES = st.recursive(
    st.integers(0, 3) | st.text("ab", max_size=2),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("ab.", min_size=1), inner, max_size=3)
    ),
    max_leaves=8,
)
PROPERTIES = st.dictionaries(st.text("abc", min_size=1), VALUES, max_size=4)


def test_each_difference_is_named_as_deep_as_it_is():
    old = {"nodes": [{"name": "a", "labels": {"x": "1"}}], "variables": {"kube_oidc_auth": False, "gone": 1}}
    new = {
        "nodes": [{"name": "a", "labels": {"x": "2", "example.org/gpu": "yes"}}, {"name": "b"}],
        "variables": {"kube_oidc_auth": True},
    }
    assert differences(old, new) == {
        'nodes[0].labels["example.org/gpu"]': "add",
        "nodes[0].labels.x": "update",
        "nodes[1]": "add",
        "variables.gone": "delete",
        "variables.kube_oidc_auth": "update",
    }


def test_what_a_list_loses_is_named_by_its_old_place():
    assert differences({"a": [1, 2, 3]}, {"a": [1]}) == {"a[1]": "delete", "a[2]": "delete"}


def test_another_kind_of_value_is_a_change_as_a_whole():
    assert differences({"a": {"b": 1}}, {"a": [1]}) == {"a": "update"}


@given(PROPERTIES, PROPERTIES)
def test_there_is_a_difference_exactly_where_values_differ(old, new):
    assert bool(differences(old, new)) == (old != new)


@given(PROPERTIES, PROPERTIES)
def test_backwards_what_was_added_is_removed(old, new):
    back = {"add": "delete", "delete": "add", "update": "update"}
    assert differences(new, old) == {path: back[kind] for path, kind in differences(old, new).items()}
