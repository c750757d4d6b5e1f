"""The store: by content, whole or not at all, and what it shows to others."""

import os
from pathlib import Path

from terp.tools.store import Installed, Store, remove_tree
from terp.tools.versions import Tool

ON = "linux-amd64"
RELEASE = {"url": "https://example.org/h", "archives": {ON: {"sha256": "a" * 64}}}


def tool(name: str = "hello", version: str = "1.0") -> Tool:
    return Tool.model_validate({"name": name, "version": version, "release": RELEASE})


def keep(store: Store, which: Tool, **files: str) -> Installed:
    with store.scratch() as scratch:
        content = scratch / "files"
        content.mkdir()
        for name, text in files.items():
            (content / name.replace("_", "-")).write_text(text)
        return store.add(which, "release", which.fingerprints(ON)["release"], content, seconds=1.0)


def test_what_was_added_is_found_and_executable(tmp_path: Path) -> None:
    store = Store(tmp_path)
    added = keep(store, tool(), hello="#!/bin/sh\n")
    assert store.find(tool(), ON) == added
    assert (store.directory(added) / "hello").stat().st_mode & 0o777 == 0o555
    assert list(store.temporary.iterdir()) == []


def test_another_version_is_not_there(tmp_path: Path) -> None:
    store = Store(tmp_path)
    keep(store, tool(), hello="one")
    assert store.find(tool(version="1.1"), ON) is None


def test_the_same_content_lies_in_the_same_place(tmp_path: Path) -> None:
    store = Store(tmp_path)
    one, other = keep(store, tool(), hello="same"), keep(store, tool(version="1.1"), hello="same")
    assert store.directory(one) == store.directory(other)
    assert one.files == other.files
    assert list(store.temporary.iterdir()) == []
    assert store.find(tool(), ON) and store.find(tool(version="1.1"), ON)


def test_a_harmed_file_is_noticed_and_replaced(tmp_path: Path) -> None:
    store = Store(tmp_path)
    added = keep(store, tool(), hello="whole")
    file = store.directory(added) / "hello"
    file.chmod(0o755)
    file.write_text("harmd")
    assert store.find(tool(), ON) is None
    keep(store, tool(), hello="whole")
    assert store.find(tool(), ON) and file.read_text() == "whole"


def test_a_harm_that_does_not_show_is_noticed_by_reading(tmp_path: Path) -> None:
    store = Store(tmp_path)
    added = keep(store, tool(), hello="whole")
    file = store.directory(added) / "hello"
    file.chmod(0o755)
    file.write_text("harmd")
    os.utime(file, ns=(added.files[0].modified, added.files[0].modified))
    assert store.find(tool(), ON) == added
    assert store.find(tool(), ON, read_files=True) is None


def test_a_lost_file_or_a_torn_record_counts_as_absent(tmp_path: Path) -> None:
    store = Store(tmp_path)
    added = keep(store, tool(), hello="whole")
    record = next((tmp_path / "installed" / "hello").iterdir())
    whole = record.read_text()
    record.write_text(whole[:20])
    assert store.find(tool(), ON) is None
    record.write_text(whole)
    remove_tree(store.directory(added))
    assert store.find(tool(), ON) is None


def test_a_view_has_the_programs_of_its_tools_and_no_providers(tmp_path: Path) -> None:
    store = Store(tmp_path)
    hello, provider = tool(), tool("pulumi-resource-hello")
    tools = [
        (hello, keep(store, hello, hello="one", hello_exec="two")),
        (provider, keep(store, provider, pulumi_resource_hello="three")),
    ]
    view = store.view(tools)
    assert sorted(each.name for each in (view / "bin").iterdir()) == ["hello", "hello-exec"]
    assert store.view(tools) == view
    assert store.view(tools[:1]) == view


def test_a_provider_is_put_where_pulumi_looks_for_it(tmp_path: Path) -> None:
    store = Store(tmp_path)
    provider = tool("pulumi-resource-hello", "4.5.6")
    store.offer_plugin(provider, keep(store, provider, pulumi_resource_hello="one"))
    link = tmp_path / "pulumi" / "plugins" / "resource-hello-v4.5.6" / "pulumi-resource-hello"
    assert link.read_text() == "one"
    changed = keep(store, provider, pulumi_resource_hello="two")
    store.offer_plugin(provider, changed)
    assert link.read_text() == "two"
    assert sorted(each.name for each in link.parent.iterdir()) == ["pulumi-resource-hello"]


def test_only_what_no_pin_leads_to_is_unused(tmp_path: Path) -> None:
    store = Store(tmp_path)
    old, new = tool(version="1.0"), tool(version="2.0")
    old_provider = tool("pulumi-resource-hello", "1.0")
    stale = [keep(store, old, hello="old"), keep(store, old_provider, pulumi_resource_hello="old")]
    current = keep(store, new, hello="new")
    stale_view, view = store.view([(old, stale[0])]), store.view([(new, current)])
    store.offer_plugin(old_provider, stale[1])
    unused = store.unused([new], ON)
    assert {*map(store.directory, stale), stale_view} <= set(unused)
    assert store.pulumi_home / "plugins" / "resource-hello-v1.0" in unused
    assert not {store.directory(current), view} & set(unused)


def test_a_tree_that_is_not_writable_is_removed(tmp_path: Path) -> None:
    (tmp_path / "mod" / "inner").mkdir(parents=True)
    (tmp_path / "mod" / "inner" / "file").touch()
    (tmp_path / "mod" / "inner").chmod(0o555)
    (tmp_path / "mod").chmod(0o555)
    remove_tree(tmp_path / "mod")
    assert not (tmp_path / "mod").exists()
