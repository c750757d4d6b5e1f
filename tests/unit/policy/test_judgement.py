"""What is refused, what an override lets through, and what the blast radius is."""

import pytest
from tests.unit.policy.steps import (
    FLOATING_IP,
    NETWORK,
    RULE,
    cluster,
    control_plane,
    environment,
    plan,
    platform,
    pool,
    step,
    volume,
)

from terp.errors import TerpError
from terp.kubernetes.plan.told import ToldRun
from terp.policy.judgement import judge, refuse
from terp.policy.radius import radius

LOSSES = plan(volume("etcd-0", "delete"), volume("etcd-1", "delete"), *pool("same"))


def test_everything_is_refused_at_once_with_what_would_allow_it() -> None:
    with pytest.raises(TerpError) as caught:
        refuse(judge(LOSSES, environment(), ["delete-volume:etcd-1"], {"openstack:password": "hunter2"}))
    assert caught.value.exit_code == 2
    assert caught.value.message == (
        "rules object 2 times to this plan; nothing was changed\n\n"
        "plain-secret:openstack:password\n"
        "  a secret in plain text; encrypted: pulumi config set --secret, or a file of its own\n\n"
        "delete-volume:etcd-0\n"
        "  the volume (20 GiB) would be deleted, with all that is on it"
    )
    assert caught.value.hint == (
        "if all of that is meant, once: --allow plain-secret:openstack:password --allow delete-volume:etcd-0"
    )


def test_what_is_allowed_by_name_passes_and_nothing_else() -> None:
    allow = ["delete-volume:etcd-0", "delete-volume:etcd-1"]
    found = judge(LOSSES, environment(), allow)
    assert [each.standing for each in found] == ["allowed", "allowed"]
    refuse(found)


def test_an_override_that_fits_nothing_does_nothing() -> None:
    found = judge(LOSSES, environment(), ["delete-volume:etcd0"])
    assert [each.standing for each in found] == ["refused", "refused"]
    assert judge(plan(), environment(), ["delete-volume:etcd-0"]) == ()


def test_an_environment_that_is_not_protected_is_warned_and_its_secrets_are_still_refused() -> None:
    loose = environment().model_copy(update={"protected": False})
    found = judge(LOSSES, loose, (), {"openstack:password": "hunter2"})
    assert [(each.rule, each.standing) for each in found] == [
        ("plain-secret", "refused"),
        ("delete-volume", "warning"),
        ("delete-volume", "warning"),
    ]


def test_a_plan_that_only_makes_has_no_blast_radius() -> None:
    made = plan(*pool("same", "create"), volume("data", "create"), cluster("same"))
    assert list(radius(made).lines) == []


def test_the_blast_radius_in_an_operators_words() -> None:
    anyone = {"direction": "ingress", "remoteIpPrefix": "0.0.0.0/0", "protocol": "tcp", "portRangeMin": 22}
    steps = (
        volume("etcd-0", "delete"),
        *control_plane("same", "same", "update", differ=("flavorName",)),
        *pool("delete", "same"),
        step(NETWORK, "storage", "delete"),
        step(FLOATING_IP, "bastion", "delete"),
        step(RULE, "ssh", "create", anyone),
        platform(["minio"], []),
    )
    run = ToldRun(
        name="remove-node.yml", hosts=("prod-cpu-0",), reason="it shall go", interrupts="pods there move"
    )
    assert list(radius(plan(*steps), [run]).lines) == [
        ("lost with all data", "volume etcd-0 (20 GiB)"),
        ("lost with its root disk", "server cpu-0"),
        ("goes with what it made", "Application minio"),
        ("cut off", "network storage"),
        ("away for a while", "server control-plane-2 (restart)"),
        ("etcd", "keeps its quorum: 2 of 3 members left, 2 needed; without control-plane-2"),
        ("pods move", "pool cpu: 1 of 2 nodes: cpu-0"),
        ("interrupted", "pods there move (remove-node.yml on prod-cpu-0)"),
        ("address given up", "bastion"),
        ("becomes public", "ssh: access from 0.0.0.0/0 to tcp 22"),
        ("no longer public", "bastion: a floating IP"),
    ]
