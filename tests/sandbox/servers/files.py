# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a database server of the sandbox has on this machine, whichever its family: files, a log and programs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.sandbox.layout import Layout
from tests.sandbox.servers.clusters import RunningCluster, ServerSpec
from tests.sandbox.servers.packages import HOW_TO_GET, Software, locate
from tests.sandbox.servers.programs import SandboxError


@dataclass(frozen=True)
class ServerFiles:
    """``server``: one of the cluster's."""

    cluster: RunningCluster
    server: ServerSpec
    layout: Layout

    @property
    def _files(self) -> Path:
        return Path(self.server.folder) / "data"

    @property
    def _log(self) -> Path:
        return self.layout.logs / f"{self.server.instance}.log"

    def _software(self) -> Software:
        software = locate(self.server.family, self.layout.cache)
        if software is None:
            raise SandboxError(f"There is no {self.server.family} on this machine; {HOW_TO_GET}.")
        return software

    def _copy_tls(self, *more: Path) -> None:
        """The certificate and its key, which only the server may read."""
        for source in (self.layout.server_cert, self.layout.server_key, *more):
            target = self._files / source.name
            target.write_bytes(source.read_bytes())
            target.chmod(0o600)
