"""What charts are told of projects."""

import pytest

from terp.environment.projects import Project
from terp.tenancy.tenants import Tenant, binding, resource, tenants


def project(**keys: object) -> Project:
    return Project.model_validate({"owner": "ada@example.org", **keys})


def one(**keys: object) -> Tenant:
    (found,) = tenants({"vision": project(**keys)})
    return found


def test_a_project_alone_has_its_owner_the_default_quota_and_a_bucket():
    found = one()
    assert (found.owner, found.members, found.registry, found.gpus) == ("ada@example.org", (), None, False)
    assert (found.bucket, found.keys.path) == ("project-vision", "projects/vision/s3")
    assert found.hard == {
        "requests.cpu": "8",
        "requests.memory": "32Gi",
        "limits.memory": "32Gi",
        "requests.storage": "100Gi",
        "requests.nvidia.com/gpu.shared": "0",
        "requests.nvidia.com/gpu": "0",
        "services.loadbalancers": "0",
        "services.nodeports": "0",
    }


def test_members_are_called_as_kubeflows_access_management_calls_them():
    """So that the dashboard shows them, and takes none for another."""
    assert binding("grace.hopper@example.org", "edit") == "user-grace-hopper-example-org-clusterrole-edit"
    (member,) = one(members={"grace@example.org": "view"}).members
    assert (member.email, member.role) == ("grace@example.org", "view")


@pytest.mark.parametrize(
    ("share", "name"),
    [
        ("whole", "nvidia.com/gpu"),
        ("shared", "nvidia.com/gpu.shared"),
        ("mig-1g.10gb", "nvidia.com/mig-1g.10gb"),
    ],
)
def test_shares_of_gpus_are_resources_of_the_device_plugin(share: str, name: str):
    assert resource(share) == name
    assert one(quota={"gpus": {share: 3}}).hard[f"requests.{name}"] == "3"


def test_a_share_that_one_project_names_is_none_of_all_others():
    taking, other = tenants({"a": project(quota={"gpus": {"mig-1g.10gb": 2}}), "b": project()})
    assert taking.hard["requests.nvidia.com/mig-1g.10gb"] == "2"
    assert other.hard["requests.nvidia.com/mig-1g.10gb"] == "0"
    assert (taking.gpus, other.gpus) == (True, False)


def test_a_project_with_a_registry_has_a_robot():
    assert one(registry=True).registry == "projects/vision/registry"
