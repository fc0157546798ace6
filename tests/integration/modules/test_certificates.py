# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS as a task meets it: what is wrong with a certificate is said, and nothing secret was sent by then."""

from __future__ import annotations

import datetime
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509

from ansible_collections.dbops.aurora_iam.plugins.module_utils import _connect
from tests.integration.modules.tls_listener import PRELUDES, listening
from tests.integration.tasks import TaskFailed, Tasks
from tests.sandbox.clients import State
from tests.sandbox.layout import Layout
from tests.sandbox.servers.tls import NAMES, issue, issue_self_signed

pytestmark = pytest.mark.direct("is about TLS with the server")

MONTH = datetime.timedelta(days=30)
PLACES = _connect.RDS_BUNDLE_PLACES
DAY = datetime.timedelta(days=1)


def expired(layout: Layout) -> None:
    issue(layout, NAMES, -DAY)


def for_another_name(layout: Layout) -> None:
    issue(layout, (x509.DNSName("db.example.org"),), MONTH)


def self_signed(layout: Layout) -> None:
    issue(layout)
    issue_self_signed(layout)


def of_another_authority(layout: Layout) -> None:
    issue(layout)
    server = layout.server_cert.read_bytes(), layout.server_key.read_bytes()
    issue(layout)
    layout.server_cert.write_bytes(server[0])
    layout.server_key.write_bytes(server[1])


FAULTS: dict[Callable[[Layout], None], str] = {
    expired: r"its certificate has expired; check the clock",
    for_another_name: r"its certificate is not for localhost; use the endpoint's own name",
    self_signed: r"its certificate is self-signed and not in the trusted set; make sure",
    of_another_authority: r"its certificate comes from a CA that is not trusted; set ca_cert .*global-bundle\.pem",
}


@pytest.mark.parametrize("method", ["password", "secret", "iam"])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
@pytest.mark.parametrize("cluster", ["orders", "ledger"])
def test_each_fault_of_a_certificate_has_its_words(
    tasks: Tasks, state: State, tmp_path: Path, cluster: str, fault: Callable[[Layout], None], method: str
):
    layout = Layout(tmp_path)
    fault(layout)
    described = state["clusters"][cluster]
    with listening(layout, PRELUDES[cluster], ("127.0.0.1", described["port"])) as listener:
        with pytest.raises(TaskFailed) as failure:
            tasks.user(
                cluster=cluster,
                name="jane",
                login_host="127.0.0.1",
                login_port=listener.port,
                login_method=method,
                login_password="S3cret-of-nobody" if method == "password" else None,
                ca_cert=str(layout.ca_cert),
            )
        assert listener.after_tls in ([], [b""])
    message = str(failure.value)
    assert re.search(FAULTS[fault], message), message
    assert f"cluster {cluster}" in message
    assert message.endswith(".")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("cluster", ["orders", "ledger"])
def test_the_bundle_is_found_where_the_documentation_says(
    tasks: Tasks, state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cluster: str, place: str, account: str
):
    """The places below /etc are looked for below another root, since this machine's belongs to others."""
    moved = str(tmp_path / place.removeprefix("~/").removeprefix("/"))
    places = tuple(moved if each == place else str(tmp_path / "nowhere" / each[2:]) for each in PLACES)
    monkeypatch.setattr(_connect, "RDS_BUNDLE_PLACES", places)
    monkeypatch.delenv("AURORA_IAM_CA_CERT", raising=False)
    with pytest.raises(TaskFailed, match="comes from a CA that is not trusted"):
        tasks.user(cluster=cluster, name=account, check=True, ca_cert=None)
    Path(moved).parent.mkdir(parents=True)
    shutil.copy(state["ca_cert"], moved)
    assert tasks.user(cluster=cluster, name=account, check=True, ca_cert=None)["changed"]


@pytest.mark.parametrize(("method", "mode"), [("iam", "verify-ca"), ("iam", "require"), ("secret", "require")])
@pytest.mark.parametrize("cluster", ["orders", "ledger"])
def test_no_secret_over_an_unverified_connection(tasks: Tasks, cluster: str, method: str, mode: str):
    with pytest.raises(TaskFailed, match=r"to a server whose identity is not verified; set ssl_mode: verify-full"):
        tasks.user(cluster=cluster, name="jane", login_method=method, ssl_mode=mode)
