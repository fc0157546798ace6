# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the sandbox keeps everything: every path of its folder, in one place."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

# A Unix socket's path holds at most 107 bytes (unix(7), sun_path); this leaves room for the longest name below.
_LONGEST_SOCKET_FOLDER = 70

PRIVATE = 0o700
"""The mode of folders that nobody but their owner enters."""


@dataclass(frozen=True)
class Layout:
    """``root`` is the ``.sandbox`` folder of a checkout, or another one beside it. ``cache``, which they share,
    survives ``down``; ``run`` does not."""

    root: Path

    @property
    def cache(self) -> Path:
        return self.root.with_name(".sandbox") / "cache"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def pids(self) -> Path:
        return self.run / "pids"

    @property
    def logs(self) -> Path:
        return self.run / "logs"

    @property
    def servers(self) -> Path:
        return self.run / "servers"

    @property
    def sockets(self) -> Path:
        """In ``run``, or, where the checkout is too deep for socket paths, in a folder of its own among the
        temporary ones, whose name follows from the checkout's path."""
        inside = self.run / "sockets"
        if len(str(inside).encode()) <= _LONGEST_SOCKET_FOLDER:
            return inside
        digest = hashlib.sha256(str(self.root.resolve()).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"aurora-sandbox-{digest}"

    @property
    def verifier_socket(self) -> Path:
        return self.sockets / "verifier"

    @property
    def tls(self) -> Path:
        return self.run / "tls"

    @property
    def ca_cert(self) -> Path:
        return self.tls / "ca.pem"

    @property
    def server_cert(self) -> Path:
        return self.tls / "server.pem"

    @property
    def server_key(self) -> Path:
        return self.tls / "server.key"

    @property
    def clusters_json(self) -> Path:
        """The clusters that are up, with the master users' passwords: input of the control plane."""
        return self.run / "clusters.json"

    @property
    def control_plane_json(self) -> Path:
        """The ports on which the control plane shall listen."""
        return self.run / "control-plane.json"

    @property
    def aws_json(self) -> Path:
        """What the control plane tells when it is ready."""
        return self.run / "aws.json"

    @property
    def state_json(self) -> Path:
        """What users of the sandbox read."""
        return self.run / "state.json"

    @property
    def auth_error_log(self) -> Path:
        return self.logs / "iam-db-auth-error.log"


def of_checkout() -> Layout:
    """This checkout's sandbox: ``.sandbox``, or the folder beside it that AURORA_SANDBOX names."""
    return Layout(Path(__file__).parents[2] / os.environ.get("AURORA_SANDBOX", ".sandbox"))
