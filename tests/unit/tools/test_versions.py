"""The file that pins every tool."""

import re
import tomllib
from pathlib import Path

import pytest

from terp.errors import TerpError
from terp.paths import PROJECT
from terp.tools.versions import FILE, Tool, Versions, read_versions

HELLO = {"name": "hello", "version": "1.2.3"}
BUILD = {"work": 1, "disk": 1}
RELEASE = {
    "url": "https://example.org/{name}-v{version}-{platform}.tar.gz",
    "archives": {"linux-amd64": {"sha256": "a" * 64}, "linux-arm64": {"platform": "arm", "sha256": "b" * 64}},
    "files": ["hello/hello"],
}


def tool(**more: object) -> Tool:
    return Tool.model_validate({**HELLO, **more})


def versions(*tools: Tool, purposes: dict[str, tuple[str, ...]], default: str) -> Versions:
    return Versions(go=read_versions().go, tools=tools, purposes=purposes, default=default)


def test_the_committed_file_is_valid() -> None:
    assert [each.name for each in read_versions().select(["openstack"])] == [
        "pulumi",
        "pulumi-language-python",
        "pulumi-resource-random",
        "pulumi-resource-tls",
        "pulumi-resource-openstack",
    ]


def test_every_tool_that_is_built_has_a_wrapper_module_with_checksums() -> None:
    for each in read_versions().tools:
        if each.build:
            assert (each.wrapper / "go.mod").is_file()
            needs_modules = "require" in (each.wrapper / "go.mod").read_text()
            assert (each.wrapper / "go.sum").is_file() == needs_modules


def test_a_wrapper_module_pins_the_version_of_its_tool() -> None:
    cli = next(each for each in read_versions().tools if each.name == "pulumi")
    assert f"github.com/pulumi/pulumi/pkg/v3 v{cli.version}" in (cli.wrapper / "go.mod").read_text()


def test_benchmarks_compare_with_the_same_provider() -> None:
    ours, theirs = (
        (each.wrapper / "go.mod").read_text()
        for each in read_versions().select(["pulumi-resource-openstack", "terraform-provider-openstack"])
    )
    for module in (r"terraform-provider-openstack/v3 v\S+", r"gophercloud/v2 v\S+"):
        assert re.findall(module, ours) == re.findall(module, theirs) != []


def test_pulumi_and_its_providers_have_the_versions_of_their_python_packages() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    packages = dict(re.findall(r"(pulumi(?:-\w+)?)==([\d.]+)", " ".join(project["dependencies"])))
    pinned = {each.name.replace("-resource", ""): each.version for each in read_versions().tools}
    assert packages.keys() <= pinned.keys()
    assert {name: pinned[name] for name in packages} == packages


def test_no_wrapper_module_switches_verification_off() -> None:
    text = "".join(each.read_text() for each in (PROJECT / "platform/terp/tools").glob("*.py"))
    assert not re.search(r"GONOSUM|GOINSECURE|GONOPROXY|GOFLAGS|GOSUMDB|GOPRIVATE", text)


def test_a_tool_needs_a_source() -> None:
    with pytest.raises(ValueError, match="neither a release nor a build"):
        tool()


def test_a_release_is_offered_for_the_platforms_whose_checksum_is_known() -> None:
    released = tool(release=RELEASE)
    amd64, arm64 = released.download("linux-amd64"), released.download("linux-arm64")
    assert amd64 and amd64.url == "https://example.org/hello-v1.2.3-linux-amd64.tar.gz"
    assert arm64 and arm64.url == "https://example.org/hello-v1.2.3-arm.tar.gz"
    assert released.download("darwin-arm64") is None


def test_a_version_without_dots_or_with_a_letter_is_refused() -> None:
    for wrong in ("v1.2.3", "latest", "3"):
        with pytest.raises(ValueError, match="version"):
            tool(version=wrong, build=BUILD)


def test_names_that_are_given_twice_or_unknown_are_refused() -> None:
    hello = tool(build=BUILD)
    with pytest.raises(ValueError, match="named twice: hello"):
        versions(hello, hello, purposes={"all": ("hello",)}, default="all")
    with pytest.raises(ValueError, match="unknown tools: bye"):
        versions(hello, purposes={"all": ("bye",)}, default="all")
    with pytest.raises(ValueError, match="no purpose some"):
        versions(hello, purposes={"all": ("hello",)}, default="some")


def test_a_selection_keeps_the_order_of_need_and_names_each_tool_once() -> None:
    hello, bye = tool(build=BUILD), tool(name="bye", build=BUILD)
    pins = versions(hello, bye, purposes={"end": ("bye", "hello")}, default="end")
    assert pins.select(["end", "hello"]) == [bye, hello]
    assert pins.everything() == [bye, hello]


def test_an_unknown_name_gets_the_known_ones() -> None:
    with pytest.raises(TerpError) as caught:
        read_versions().select(["helm-chart"])
    assert caught.value.exit_code == 2
    assert (
        "openstack, kubernetes, embedded, embedded-1.35, embedded-platform, gitops, gitops-tests, "
        "recovery-tests, benchmark, pulumi" in caught.value.hint
    )


def test_a_release_s_fingerprint_follows_its_checksum_and_a_build_s_its_wrapper(tmp_path: Path) -> None:
    (tmp_path / "go.sum").write_text("one")
    both = tool(release=RELEASE, build={**BUILD, "wrapper": tmp_path})
    before = both.fingerprints("linux-amd64")
    assert before.keys() == {"release", "build"}
    (tmp_path / "go.sum").write_text("two")
    after = both.fingerprints("linux-amd64")
    assert after["release"] == before["release"]
    assert after["build"] != before["build"]
    assert both.fingerprints("linux-arm64")["release"] != before["release"]


def test_an_estimate_is_no_part_of_a_fingerprint(tmp_path: Path) -> None:
    one = tool(build={**BUILD, "wrapper": tmp_path})
    other = tool(build={"work": 99, "disk": 9, "wrapper": tmp_path})
    assert one.fingerprints("linux-amd64") == other.fingerprints("linux-amd64")


def test_a_mistake_in_the_file_is_an_error_with_its_name(tmp_path: Path) -> None:
    wrong = tmp_path / "versions.yaml"
    wrong.write_text(FILE.read_text().replace("default: openstack", "default: openstck"))
    with pytest.raises(TerpError, match=r"versions\.yaml\nthe file: .*no purpose openstck"):
        read_versions(wrong)
