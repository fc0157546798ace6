# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""No fault of an offboarding lets anybody log in as the account afterwards, and the end names what is left.

A run that is killed, a run with all other faults at once, a run without, and another one."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tests.integration.administration import Administration
from tests.integration.hook import Hook
from tests.integration.roles.offboard_scene import (
    CLUSTERS,
    DENIED,
    ELSEWHERE,
    GONE,
    KILLED,
    ON_CLUSTERS,
    OWNER,
    SESSION,
    THROTTLED,
    TYPO,
    UNAVAILABLE,
    UNREACHABLE,
    Scene,
    hosts_of,
)
from tests.sandbox.clients import State

pytestmark = pytest.mark.direct("starts Ansible itself")

MATRIX = [(fault, host) for fault in (*ON_CLUSTERS, *ELSEWHERE) for host in hosts_of(fault)]
LEFT = {
    **{fault: f"AWS denied iam:{action}" for fault, action in DENIED.items()},
    UNREACHABLE: "The accounts were not looked at",
    UNAVAILABLE: "The accounts were not looked at",
    OWNER: "is locked and not dropped",
    SESSION: "is locked and not dropped",
}
"""what the end says of faults that keep something from being done"""


@dataclass
class Story:
    """
    before    faults and hosts as whose account somebody could log in before
    killed    clusters where somebody could log in after the run that was killed
    first     what the first whole run printed, and as whose accounts somebody could log in after it
    policies  of which faults there were policies left after it
    second    what the run without faults printed, and its exit code
    third     the same again
    """

    before: set[tuple[str, str]] = field(default_factory=set)
    killed: list[str] = field(default_factory=list)
    first: str = ""
    after: set[tuple[str, str]] = field(default_factory=set)
    policies: set[str] = field(default_factory=set)
    second: tuple[int, str] = (0, "")
    third: tuple[int, str] = (0, "")


def let_in(scene: Scene) -> set[tuple[str, str]]:
    return {(fault, host) for fault, host in MATRIX if scene.logs_in(fault, hosts_of(fault)[host])}


@pytest.fixture(scope="module")
def scene(state: State, admin: Administration, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    hook = Hook(state)
    made = Scene(state, admin, hook, tmp_path_factory.mktemp("offboard"), f"leaver_{uuid.uuid4().hex[:8]}")
    made.make()
    yield made
    hook.forget()


@pytest.fixture(scope="module")
def story(scene: Scene) -> Story:
    told = Story(before=let_in(scene))
    scene.kill_before_the_drop(KILLED)
    told.killed = [cluster for cluster in CLUSTERS if scene.logs_in(KILLED, cluster)]
    for fault, action in DENIED.items():
        mine = {"UserName": scene.name(fault)}
        error = {"kind": "error", "code": "AccessDenied", "status": 403, "message": "not authorized"}
        scene.hook.fail(action, count=100, parameters=mine, **error)
    scene.hook.fail("ListUserPolicies", kind="throttle", parameters={"UserName": scene.name(THROTTLED)})
    with scene.busy_sessions(), scene.hook.held(billing="stopped", invoices="stopped"):
        _code, told.first = scene.run(scene.inventory(*ON_CLUSTERS, *ELSEWHERE, TYPO))
        told.after = let_in(scene)
    scene.hook.forget()
    told.policies = {fault for fault in (*ON_CLUSTERS, *ELSEWHERE) if fault != GONE and scene.policies(fault)}
    disposed = {OWNER: {"owned_objects": "drop"}}
    told.second = scene.run(scene.inventory(*ON_CLUSTERS, *ELSEWHERE, TYPO, reached=True, **disposed))
    told.third = scene.run(scene.inventory(*ON_CLUSTERS, *ELSEWHERE, reached=True, **disposed))
    return told


def summary(scene: Scene, output: str, fault: str, host: str) -> str:
    """What the end says of a name on a host."""
    shown = " ".join(output.split("TASK [dbops.aurora_iam.offboard : Show for")[1].split("TASK [")[0].split())
    found = re.search(rf"account: {scene.name(fault)} cluster: {hosts_of(fault)[host]} ?(.*?)(?=- account:|$)", shown)
    assert found, output
    return found[1]


def test_somebody_could_log_in_before(story: Story):
    assert story.before == set(MATRIX)


def test_nobody_logs_in_after_a_run_that_was_killed(story: Story):
    assert story.killed == []


@pytest.mark.parametrize(("fault", "host"), MATRIX)
def test_nobody_logs_in_after_the_first_run(scene: Scene, story: Story, fault: str, host: str):
    """Where the database cannot be reached, IAM refuses whom the policy let in."""
    assert ((fault, host) in story.after) == (fault in ELSEWHERE)
    assert fault in DENIED or fault not in story.policies
    said = summary(scene, story.first, fault, host)
    assert (LEFT[fault] in said) if fault in LEFT else ("left:" not in said)
    assert ("dropped:" in said) == (fault not in {*ELSEWHERE, OWNER, SESSION})


def test_a_name_that_is_nowhere_fails_the_run(scene: Scene, story: Story):
    """Unless a cluster could not be looked at, where it may be."""
    nowhere, name = "No cluster of the play, no policy and no list of the inventory has", scene.name(TYPO)
    code, output = story.second
    assert code == 2
    assert output.count("failed=1") == 1
    assert f"{nowhere} {name};" in " ".join(output.split())
    assert nowhere not in " ".join(story.first.split())
    assert "nothing: - no account" in summary(scene, story.first, TYPO, "orders")


def test_what_was_left_is_done_by_the_next_run(scene: Scene, story: Story):
    assert "left:" not in story.second[1]
    assert let_in(scene) == set()
    assert not any(scene.policies(fault) for fault in (*ON_CLUSTERS, *ELSEWHERE) if fault not in {GONE, "put_denied"})
    assert scene.documents("put_denied") == {f"aurora-iam-{cluster}": [scene.name("keeps")] for cluster in CLUSTERS}


def test_the_run_after_that_changes_nothing(story: Story):
    code, output = story.third
    assert code == 0, output
    assert output.count("changed=0") == len({host for _fault, host in MATRIX})
