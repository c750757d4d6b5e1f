"""Objects held against schemas, as the API server does it."""

import json
from pathlib import Path
from typing import Any

import pytest

from terp.gitops.validation import Definitions, Kubernetes, Unread, flaws
from terp.gitops.validation.form import Form, wrong

TEXT = {"type": "string"}
METADATA = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
PORT = {
    "type": "object",
    "properties": {"port": {"type": "integer"}, "protocol": {**TEXT, "default": "TCP"}},
    "required": ["port"],
}
WIDGET = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "required": ["size"],
            "properties": {
                "size": {"type": "string", "enum": ["small", "large"]},
                "replicas": {"type": "integer", "minimum": 1},
                "limit": {
                    "x-kubernetes-int-or-string": True,
                    "anyOf": [{"type": "integer"}, {"type": "string"}],
                },
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                "name": {"type": "string", "pattern": "^[a-z]+$"},
                "on": {"type": "boolean"},
                "ports": {
                    "type": "array",
                    "items": PORT,
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["port", "protocol"],
                },
                "template": {"type": "object", "x-kubernetes-embedded-resource": True},
            },
        }
    },
}


def spec(**fields: Any) -> list[tuple[str, str, str]]:
    """What is wrong with a widget that has these fields."""
    value = {"spec": {"size": "small", **fields}}
    return [(".".join(map(str, key)), said, right) for key, said, right in wrong(value, Form(WIDGET))]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"replicas": 2, "limit": "10%", "free": {"anything": [1]}, "labels": {"a": "b"}, "on": False},
        {"limit": 3, "replicas": None},
        {"ports": [{"port": 1}, {"port": 1, "protocol": "UDP"}]},
        {"template": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}},
    ],
)
def test_what_is_right_is_taken(fields: dict[str, Any]):
    assert spec(**fields) == []


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"replica": 2}, ("spec.replica", "there is no such field", 'did you mean "replicas"?')),
        ({"replicas": "2"}, ("spec.replicas", "is text, not a whole number", "leave out the quotes")),
        ({"replicas": 0}, ("spec.replicas", "is too small: at least 1", "")),
        ({"replicas": True}, ("spec.replicas", "is true or false, not a whole number", "")),
        (
            {"size": "smal"},
            ("spec.size", 'is none of what is possible: "smal"', 'did you mean "small"?'),
        ),
        ({"size": None}, ("spec", '"size" is missing', "")),
        ({"labels": {"a": 1}}, ("spec.labels.a", "is a whole number, not text", "put it in quotes")),
        ({"labels": []}, ("spec.labels", "is a list, not a mapping", "")),
        ({"name": "A"}, ("spec.name", "does not match ^[a-z]+$", "")),
        ({"limit": {}}, ("spec.limit", "is a mapping, not text", "")),
        ({"ports": {"port": 1}}, ("spec.ports", "is a mapping, not a list", "make it a list")),
        (
            {"ports": [{"port": 1}, {"port": 1, "protocol": "TCP"}]},
            ("spec.ports.1", 'is there twice: port 1, protocol "TCP"', "keep one"),
        ),
        ({"ports": [{}]}, ("spec.ports.0", '"port" is missing', "")),
        (
            {"template": {"kind": "Pod", "spec": {}}},
            ("spec.template.spec", "there is no such field", "possible: apiVersion, kind, metadata"),
        ),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_would_be_right(
    fields: dict[str, Any], found: tuple[str, str, str]
):
    assert spec(**fields) == [found]


@pytest.mark.parametrize(
    ("restriction", "value", "said"),
    [
        ({"oneOf": [{"required": ["a"]}, {"required": ["b"]}]}, {"a": 1, "b": 1}, "fits 2 of 2 alternatives"),
        ({"oneOf": [{"required": ["a"]}, {"required": ["b"]}]}, {}, '"a" is missing'),
        ({"not": {"required": ["a"]}}, {"a": 1}, "is what the schema excludes"),
        ({"allOf": [{"properties": {"a": {"maximum": 3}}}]}, {"a": 4}, "is too big: at most 3"),
    ],
)
def test_alternatives_restrict_and_bring_no_fields(restriction: dict[str, Any], value: Any, said: str):
    form = Form({"type": "object", "properties": {"a": {}, "b": {}}, **restriction})
    ((_, message, _),) = wrong(value, form)
    assert message.startswith(said)
    assert not list(wrong({"b": 1}, form))


@pytest.fixture
def kubernetes(tmp_path: Path) -> Kubernetes:
    """A Kubernetes of two kinds."""
    reference = {"allOf": [{"$ref": f"#/components/schemas/{METADATA}"}], "default": {}}
    metadata = {"type": "object", "properties": {"name": TEXT, "namespace": TEXT, "creationTimestamp": TEXT}}
    secret = {
        "type": "object",
        "properties": {
            "apiVersion": TEXT,
            "kind": TEXT,
            "metadata": reference,
            "data": {"type": "object", "additionalProperties": {**TEXT, "format": "byte"}},
            "type": {
                **TEXT,
                "description": 'Possible enum values:\n - `"Opaque"` is any.\n - `"Tls"` is one.',
            },
        },
        "x-kubernetes-group-version-kind": [{"group": "", "kind": "Secret", "version": "v1"}],
    }
    ingress = {
        "type": "object",
        "x-kubernetes-group-version-kind": [
            {"group": "networking.k8s.io", "kind": "Ingress", "version": "v1"}
        ],
    }
    documents = {
        "api__v1": {METADATA: metadata, "Secret": secret},
        "apis__networking.k8s.io__v1": {"Ingress": ingress},
    }
    for name, schemas in documents.items():
        text = json.dumps({"components": {"schemas": schemas}})
        (tmp_path / f"{name}_openapi.json").write_text(text)
    return Kubernetes("1.36.3", tmp_path)


def widgets(**changed: Any) -> dict[str, Any]:
    version = {"name": "v1", "served": True, "schema": {"openAPIV3Schema": WIDGET}}
    gone = {"name": "v1beta1", "served": False, "schema": {"openAPIV3Schema": WIDGET}}
    names = {"group": "example.org", "names": {"kind": "Widget"}, "versions": [version, gone], **changed}
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "spec": names}


def said(kubernetes: Kubernetes, *objects: dict[str, Any]) -> tuple[list[str], list[Unread]]:
    definitions = Definitions([widgets()], kubernetes.metadata)
    found, unread = flaws({"a": objects}, kubernetes, definitions)
    return [str(each) for each in found], unread


def thing(version: str, kind: str, **fields: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "n"}, **fields}


def test_a_finding_names_component_object_and_place_and_never_the_value_of_a_secret(kubernetes: Kubernetes):
    found, _ = said(kubernetes, thing("v1", "Secret", data={"key": "pass word!"}))
    assert found == ["a: Secret n: data.key: is no base64"]


def test_what_kubernetes_lists_in_words_is_all_that_is_possible(kubernetes: Kubernetes):
    found, _ = said(kubernetes, thing("v1", "Secret", type="Opaqe"))
    assert found == ['a: Secret n: type: is none of what is possible: "Opaqe"\n  did you mean "Opaque"?']


def test_metadata_is_looked_at_in_every_kind(kubernetes: Kubernetes):
    widget = thing("example.org/v1", "Widget", spec={"size": "small"})
    found, _ = said(kubernetes, {**widget, "metadata": {"name": "n", "label": {}}})
    assert [each.partition("\n")[0] for each in found] == [
        "a: Widget n: metadata.label: there is no such field"
    ]
    assert said(kubernetes, widget) == ([], [])


def test_a_version_that_is_not_served_is_told_with_those_that_are(kubernetes: Kubernetes):
    old = (thing("networking.k8s.io/v1beta1", "Ingress"), thing("example.org/v1beta1", "Widget"))
    found, _ = said(kubernetes, *old)
    assert found == [
        "a: Ingress n: apiVersion: networking.k8s.io/v1beta1: Kubernetes 1.36.3 has no such kind\n"
        "  there is networking.k8s.io/v1",
        "a: Widget n: apiVersion: example.org/v1beta1: the definition of this kind serves no such version\n"
        "  there is example.org/v1",
    ]


def test_a_kind_without_a_rendered_schema_is_told_and_not_judged(kubernetes: Kubernetes):
    found, unread = said(kubernetes, thing("others.org/v1", "Gadget", spec={"x": 1}))
    assert found == []
    assert unread == [Unread(component="a", kind="Gadget.others.org")]
