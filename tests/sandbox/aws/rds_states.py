# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The states that RDS shows of a cluster or an instance, and those that a test holds it in."""

from __future__ import annotations

from typing import Any, Protocol

from tests.sandbox.servers.clusters import RunningCluster


class IamAuthTarget(Protocol):
    """What IAM authentication can be switched on: a cluster, or a standalone instance."""

    running: RunningCluster
    iam_auth: bool
    pending_iam_auth: bool | None

    def show(self, changing: bool) -> None:
        """Show the states in which IAM authentication is being switched, or that all is done."""


class HeldStatus:
    """The ``status`` of a resource. While a test holds one, what happens meanwhile is not shown."""

    held_status: str | None = None
    _shown = "available"

    @property
    def status(self) -> str:
        return self.held_status or self._shown

    @status.setter
    def status(self, value: str) -> None:
        self._shown = value


class PendingIamAuth:
    """The change of IAM authentication that waits for the maintenance window, or is being made."""

    pending_iam_auth: bool | None = None

    @property
    def pending_modified_values(self) -> dict[str, Any] | None:
        if self.pending_iam_auth is None:
            return None
        return {"IAMDatabaseAuthenticationEnabled": self.pending_iam_auth}
