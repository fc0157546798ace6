# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What to do about IAM authentication, and what must not be done. Decisions only; no call to AWS."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.iam_auth import IamAuth
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import CloudError, Refused

# https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/accessing-monitoring.html
_SWITCHING = frozenset({"update-iam-db-auth", "configuring-iam-database-auth"})

_MODIFIABLE = frozenset({"available", "storage-config-upgrade", "storage-initialization", "storage-optimization"})
"""States in which RDS modifies a cluster or an instance. In all others it mostly refuses."""

_LASTING = frozenset(
    {
        "cloning-failed",
        "deleting",
        "failed",
        "inaccessible-encryption-credentials",
        "inaccessible-encryption-credentials-recoverable",
        "insufficient-capacity",
        "migration-failed",
        "restore-error",
        "stopped",
        "stopping",
        "storage-full",
    }
)
"""States that do not become ``available`` by themselves: there is nothing to wait for."""

_OLDEST: dict[str, tuple[int, ...]] = {
    "aurora-mysql": (5, 7),
    "aurora-postgresql": (11,),
    "mysql": (5, 7),
    "postgres": (10,),
}
"""The first version of each engine that has IAM authentication. MariaDB has it too, but its accounts are not managed
here. https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Concepts.Aurora_Fea_Regions_DB-eng.Feature.IAMdbauth.html
"""

_TOO_SMALL = {"aurora-mysql": ("db.t2.small", "db.t3.small")}
"""Instance classes without the memory that it takes."""


@dataclass(frozen=True)
class Change:
    """The one call that a task needs, and what is then so.

    wanted   what the flag is asked to be
    pending  what is pending after the call; None for nothing
    """

    wanted: bool
    immediately: bool
    pending: bool | None


def decide(state: IamAuth, wanted: bool, immediately: bool) -> Change | None:
    """The call that brings the state to what is wanted, or None where none is needed.

    A change that is pending already is not asked for again, unless it is to be made now. One to the opposite is
    withdrawn.
    """
    if is_switching(state) and state.pending == wanted:
        return None
    if state.enabled == wanted:
        return None if state.pending is None else Change(wanted, immediately, pending=None)
    if immediately:
        return Change(wanted, immediately=True, pending=None)
    return None if state.pending == wanted else Change(wanted, immediately=False, pending=wanted)


def is_switching(state: IamAuth) -> bool:
    """Whether RDS is switching IAM authentication at this moment, be it in one instance only."""
    return bool(_SWITCHING & {state.status, *(each.status for each in state.members)})


def can_be_modified(state: IamAuth) -> bool:
    """Whether RDS takes a change now. Raises CloudError for a state that waiting does not end."""
    if state.status in _LASTING or state.status.startswith("incompatible-"):
        verb = "start it" if state.status.startswith("stop") else "bring it back to available"
        raise CloudError(f"The {state.title} is {state.status}, and RDS modifies none that is; {verb} first.")
    return state.status in _MODIFIABLE


def unfinished(state: IamAuth, wanted: bool) -> list[str]:
    """What is not yet as it must be after an immediate change; empty when it is over, in every instance too.

    RDS's own waiters look at the cluster's status only, which is still ``available`` before the change begins.
    """
    found = [] if state.enabled == wanted and state.pending is None else ["the flag has not changed"]
    statuses = {state.title: state.status, **{f"instance {each.identifier}": each.status for each in state.members}}
    return found + [f"{title} is {status}" for title, status in statuses.items() if status not in _MODIFIABLE]


def check_change(state: IamAuth, change: Change) -> None:
    """Refuse what RDS cannot do, and what would do more than was asked. Raises Refused."""
    if change.wanted and not state.enabled:
        _check_support(state)
    if change.immediately and state.other_pending:
        # https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBCluster.html, ApplyImmediately
        raise Refused(
            f"To apply this immediately would also apply what else waits for the maintenance window of {state.title} "
            f"({', '.join(state.other_pending)}); set apply_immediately: false, or apply or withdraw that first."
        )


def _check_support(state: IamAuth) -> None:
    listed = ", ".join(f"{engine} {_dotted(oldest)}" for engine, oldest in sorted(_OLDEST.items()))
    version = tuple(int(part) for part in re.findall(r"\d+", state.engine_version)[:2])
    if state.engine not in _OLDEST or (version and version < _OLDEST[state.engine]):
        raise Refused(
            f"IAM authentication cannot be turned on for {state.title}, which runs {state.engine} "
            f"{state.engine_version}; these engines have it from the version named on: {listed}."
        )
    too_small = _TOO_SMALL.get(state.engine, ())
    found = [f"{each.identifier} ({each.instance_class})" for each in state.members if each.instance_class in too_small]
    if found:
        raise Refused(
            f"IAM authentication cannot be turned on for {state.title} with {', '.join(found)}: the classes "
            f"{' and '.join(too_small)} do not have it with {state.engine}; change the class of each such instance."
        )


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
