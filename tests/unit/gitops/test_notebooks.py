"""What people may choose for a notebook is there: images in the list, defaults of pods in each project."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.gitops.test_traps import CATALOGUE

from terp.gitops.component import Manifests
from terp.paths import PROJECT

POD_DEFAULTS = Path(PROJECT, "charts", "projects", "templates", "pod-defaults.yaml").read_text()


@pytest.fixture
def form() -> dict[str, Any]:
    source = CATALOGUE.components["jupyter-web-app"].source
    assert isinstance(source, Manifests)
    (patch,) = [each.patch for each in source.patches if each.target.kind == "ConfigMap"]
    config = yaml.safe_load(patch)["data"]["spawner_ui_config.yaml"]
    defaults: dict[str, Any] = yaml.safe_load(config)["spawnerFormDefaults"]
    return defaults


def test_images_are_in_the_list_of_the_platform(form: dict[str, Any]):
    groups = [form[name] for name in ("image", "imageGroupOne", "imageGroupTwo")]
    offered = {image for group in groups for image in group["options"]}
    assert all(group["value"] in group["options"] for group in groups)
    listed = {each for each in CATALOGUE.components["jupyter-web-app"].images if "notebook-servers" in each}
    assert {image.partition(":")[0] for image in offered} == listed
    assert len({image.partition(":")[2] for image in offered}) == 1


def test_defaults_of_pods_that_are_chosen_from_the_start_are_in_every_project(form: dict[str, Any]):
    always = re.sub(r"{{- (if|with).*?\n---.*?{{- end }}\n", "", POD_DEFAULTS, flags=re.DOTALL)
    there = set(re.findall(r"^  name: ([a-z0-9-]+)", always, flags=re.MULTILINE))
    assert set(form["configurations"]["value"]) <= there
    assert "gpu" not in there


def test_limits_are_what_is_requested_as_quotas_have_it(form: dict[str, Any]):
    assert form["memory"]["limitFactor"] == "1"


def test_the_name_of_the_volume_is_that_of_the_notebook(form: dict[str, Any]):
    assert form["workspaceVolume"]["value"]["newPvc"]["metadata"]["name"] == "{notebook-name}-workspace"
