# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing secret is shown, whatever goes wrong: real playbooks at -vvvv, the processes that they start, and what they
leave behind."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import threading
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.administrators import put_secret
from tests.interpreters import other_interpreter
from tests.sandbox.clients import CHECKOUT, State, aws_client, connect_statement, create_principal

pytestmark = pytest.mark.direct("starts Ansible itself")

ANSIBLE_PLAYBOOK = str(Path(sys.executable).parent / "ansible-playbook")
USER, USERS = "dbops.aurora_iam.aurora_iam_user", "dbops.aurora_iam.aurora_iam_users"
WRONG_PASSWORD = "wr0ng-Pa55word-of-this-test"
BAD_SECRET = "b4d-s3cret-that-is-no-json"
TOKEN = re.compile(r"X-Amz-Signature|Action=connect&DBUser")
"""What every IAM token contains."""

WRONG_OPTIONS: list[dict[str, Any]] = [
    {"grants": "SELECT"},
    {"grants": ["SELECT"]},
    {"grants": [{"privileges": {"a": 1}, "on": "x.*"}]},
    {"grants": [{"privileges": ["NONSENSE"], "on": "x.*"}]},
    {"connection_limit": "many"},
    {"name": None},
    {"ssl_mode": "disable"},
    {"ssl_mode": "require"},
    {"ca_cert": "/nowhere.pem"},
    {"login_host": "127.0.0.2"},
    {"login_port": 1},
    {"connect_timeout": "soon"},
]
WRONG_USERS: list[Any] = ["x", ["x"], [{"name": ["x"]}], [{"name": "a"}, {"name": "a"}], {"name": "a"}]


@dataclass
class Run:
    """A playbook that ran.

    printed       all its output
    arguments     of every process of it that was seen
    surroundings  the environments of these processes
    left          files that are in its temporary folders when it has ended
    """

    printed: str = ""
    arguments: set[bytes] = field(default_factory=set)
    surroundings: set[bytes] = field(default_factory=set)
    left: dict[str, bytes] = field(default_factory=dict)


def watch(mark: str, run: Run, ended: threading.Event) -> None:
    """Looks at all processes that have a mark in their environment, which they inherit, until the event.

    A process that has another environment is none of theirs, and never looked at again.
    """
    others: set[str] = set()
    while not ended.is_set():
        found = {name for name in os.listdir("/proc") if name.isdigit()}
        others &= found
        for name in found - others:
            with contextlib.suppress(OSError):
                environment = Path("/proc", name, "environ").read_bytes()
                if mark.encode() in environment:
                    run.arguments.add(Path("/proc", name, "cmdline").read_bytes())
                    run.surroundings.add(environment)
                elif environment:
                    others.add(name)
        time.sleep(0.05)


@pytest.fixture(params=["orders", "ledger", "orders, as modules"])
def where(request: pytest.FixtureRequest) -> str:
    """A cluster, and how its tasks are run: on the controller, if nothing is said."""
    return str(request.param)


@pytest.fixture
def cluster(where: str) -> str:
    return where.partition(",")[0]


@dataclass(frozen=True)
class Scene:
    """Where a playbook runs: its AWS keys are in a file and its passwords in another, so that no environment and no
    line of the playbook has them.

    interpreter  of the modules; the controller's own if empty
    """

    folder: Path
    state: State
    secrets: dict[str, str]
    interpreter: str

    def run(self, tasks: list[dict[str, Any]]) -> Run:
        play = {
            "hosts": "localhost",
            "connection": "local",
            "gather_facts": False,
            "vars_files": ["secrets.yml"],
            "vars": {"ansible_python_interpreter": self.interpreter or sys.executable},
            "module_defaults": {name: {"profile": "dba", "region": self.state["region"]} for name in (USER, USERS)},
            "tasks": [{**task, "ignore_errors": True} for task in tasks],
        }
        (self.folder / "secrets.yml").write_text(yaml.safe_dump(self.secrets))
        (self.folder / "play.yml").write_text(yaml.safe_dump([play], sort_keys=False))
        for temporary in ("remote", "local"):
            (self.folder / temporary).mkdir()
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ANSIBLE_"))}
        mark = uuid.uuid4().hex
        program = subprocess.Popen(
            [ANSIBLE_PLAYBOOK, "-vvvv", "--diff", str(self.folder / "play.yml")],
            cwd=CHECKOUT,
            env={
                **environment,
                "SECRECY": mark,
                "ANSIBLE_NOCOLOR": "1",
                "ANSIBLE_REMOTE_TEMP": str(self.folder / "remote"),
                "ANSIBLE_LOCAL_TEMP": str(self.folder / "local"),
                "AWS_CONFIG_FILE": str(self.folder / "aws"),
                "AWS_URL": self.state["endpoint_url"],
                "AURORA_IAM_CA_CERT": self.state["ca_cert"],
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        run, ended = Run(), threading.Event()
        watcher = threading.Thread(target=watch, args=(mark, run, ended))
        watcher.start()
        try:
            run.printed, _nothing = program.communicate(timeout=300)
        finally:
            ended.set()
            watcher.join()
        left = [path for folder in ("remote", "local") for path in (self.folder / folder).rglob("*") if path.is_file()]
        run.left = {str(path): path.read_bytes() for path in left}
        return run


@pytest.fixture
def scene(state: State, cluster: str, where: str, iam_administrator: str, tmp_path: Path) -> Scene:
    """The profile is an IAM user's who may do what the tasks need, and connect as this administrator only."""
    described = state["clusters"][cluster]
    reading = {
        "Effect": "Allow",
        "Action": ["rds:DescribeDBClusters", "secretsmanager:GetSecretValue"],
        "Resource": "*",
    }
    keys = create_principal(state, uuid.uuid4().hex, reading, connect_statement(state, cluster, iam_administrator))
    (tmp_path / "aws").write_text(
        f"[profile dba]\naws_access_key_id = {keys.access_key}\naws_secret_access_key = {keys.secret_key}\n"
    )
    managed = aws_client(state, "secretsmanager").get_secret_value(SecretId=described["secret_arn"])
    password = json.loads(managed["SecretString"])["password"]
    secrets = {"password": password, "wrong_password": WRONG_PASSWORD, "key": keys.secret_key}
    return Scene(tmp_path, state, secrets, other_interpreter(tmp_path) if where != cluster else "")


def user(cluster: str, account: str, **options: Any) -> dict[str, Any]:
    return {USER: {"cluster": cluster, "name": account, **options}}


def assert_nothing_is_shown(run: Run, scene: Scene, secrets: list[str], tasks: int) -> None:
    assert "PLAY RECAP" in run.printed, run.printed
    assert f"ok={tasks}" in run.printed, run.printed[-2000:]
    assert len(run.arguments) > (tasks if scene.interpreter else 0), "the watcher saw no processes"
    places = {
        "the output": run.printed.encode(),
        "an argument": b"\0".join(run.arguments),
        "an environment": b"\0".join(run.surroundings),
        "a file that was left": b"\0".join(run.left.values()),
    }
    for place, found in places.items():
        for number, secret in enumerate(secrets):
            assert secret.encode() not in found, f"secret {number} is in {place}"
        assert not TOKEN.search(found.decode(errors="replace")), f"a token is in {place}"


def test_password(scene: Scene, cluster: str, account: str):
    login = {"login_password": "{{ password }}"}
    tasks = [
        user(cluster, account, **login, comment="x"),
        user(cluster, account, login_password="{{ wrong_password }}"),
    ]
    tasks += [user(cluster, account, **{**login, **wrong}) for wrong in WRONG_OPTIONS]
    tasks += [{USERS: {"cluster": cluster, "users": wrong, **login}} for wrong in WRONG_USERS]
    tasks += [user(cluster, account, **login, state="absent")]
    run = scene.run(tasks)
    assert re.search("refused the password of|wrong credentials for", run.printed)
    assert_nothing_is_shown(run, scene, list(scene.secrets.values()), len(tasks))


def test_secret(scene: Scene, state: State, cluster: str, account: str):
    names = [f"secrecy/{uuid.uuid4().hex}" for _secret in range(3)]
    put_secret(state, names[0], BAD_SECRET)
    put_secret(state, names[1], {"username": "admin", "password": [BAD_SECRET]})
    put_secret(state, names[2], {"username": "admin", "password": WRONG_PASSWORD})
    tasks = [user(cluster, account, comment="x")]
    tasks += [user(cluster, account, login_secret=name) for name in [*names, "no/such"]]
    tasks += [user(cluster, account, **wrong) for wrong in WRONG_OPTIONS[-4:]]
    tasks += [user(cluster, account, state="absent")]
    run = scene.run(tasks)
    assert "is not a database secret" in run.printed
    assert_nothing_is_shown(run, scene, [*scene.secrets.values(), BAD_SECRET], len(tasks))


def test_iam(scene: Scene, cluster: str, account: str, iam_administrator: str):
    login = {"login_user": iam_administrator, "login_method": "iam"}
    tasks = [user(cluster, account, **login, comment="x")]
    tasks += [user(cluster, account, **{**login, "login_user": refused}) for refused in ("nobody_at_all", "admin")]
    tasks += [user(cluster, account, **{**login, **wrong}) for wrong in WRONG_OPTIONS[-4:]]
    tasks += [
        user(
            cluster,
            account,
            **login,
            profile=None,
            access_key="AKIAIOSFODNN7EXAMPLE",
            secret_key="{{ wrong_password }}",
            session_token="{{ password }}",
        )
    ]
    tasks += [user(cluster, account, **login, state="absent")]
    run = scene.run(tasks)
    assert_nothing_is_shown(run, scene, list(scene.secrets.values()), len(tasks))


def test_the_search_finds_what_is_there(scene: Scene):
    """A playbook that does show a password, in its output, an argument, an environment and a file."""
    shown = {
        "shell": 'echo "$SHOWN" > "$ANSIBLE_REMOTE_TEMP/left" && sleep 1 && echo {{ password }}',
        "environment": {"SHOWN": "{{ password }}"},
    }
    run = scene.run([shown])
    password = scene.secrets["password"].encode()
    assert password in run.printed.encode()
    assert any(password in arguments for arguments in run.arguments)
    assert any(password in surroundings for surroundings in run.surroundings)
    assert any(password in text for text in run.left.values())
