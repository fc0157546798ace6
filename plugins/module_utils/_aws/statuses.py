# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""The states of a cluster, an instance or a proxy in which there is no database to log in to, and what to do then.

https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/accessing-monitoring.html
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html#Overview.DBInstance.Status
https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBProxy.html
"""

from __future__ import annotations

from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import CloudError

_WAIT = "run the task when it is available"
_START = "start it, then run the task"
_GONE = "take it out of the inventory"
_RESTORE = "restore it from a snapshot or to a point in time, and run the task for what was restored"
_KEY = "RDS cannot use its KMS key"
_UNREACHABLE = {
    # state: (the cause, where the state itself does not say it; what to do next)
    "cloning-failed": ("", "clone its source again, and run the task for the clone"),
    "creating": ("", _WAIT),
    "deleting": ("", _GONE),
    "failed": ("RDS cannot recover it", _RESTORE),
    "inaccessible-encryption-credentials": (_KEY, _RESTORE),
    "inaccessible-encryption-credentials-recoverable": (
        _KEY,
        "enable the key, start it within seven days, then run the task",
    ),
    "incompatible-create": ("RDS could not create it", "delete it, correct what its events name, and create it again"),
    "incompatible-network": (
        "its VPC has no free address or has lost a subnet",
        "correct its subnet group, then start or restore it",
    ),
    "incompatible-parameters": (
        "its server does not start with its parameter group",
        "reset the parameters that its events name, and reboot it",
    ),
    "incompatible-restore": ("RDS could not restore it", _RESTORE),
    "insufficient-capacity": (
        "AWS has no capacity for it at the moment",
        "wait, or change its instance class or Availability Zone",
    ),
    "insufficient-resource-limits": (
        "a quota of the AWS account is used up",
        "have the quota raised, or delete proxies that are not used",
    ),
    "migration-failed": ("", _RESTORE),
    "reactivating": ("", _WAIT),
    "restore-error": ("RDS could not restore it", _RESTORE),
    "starting": ("", _WAIT),
    "stopped": ("", _START),
    "stopping": ("", _START),
    "suspended": ("", "reactivate it in RDS, then run the task"),
    "suspending": ("", "reactivate it in RDS, then run the task"),
    "unsupported-configuration": ("RDS Custom does not support its settings", "correct what its events name"),
}
"""In all other states (available, backing-up, modifying, storage-full, update-iam-db-auth …) its server answers, or
does so within moments."""


def require_reachable(title: str, status: str) -> None:
    """Raises CloudError."""
    if status not in _UNREACHABLE:
        return
    cause, step = _UNREACHABLE[status]
    because = f" ({cause})" if cause else ""
    raise CloudError(f"The {title} is {status}{because}, so there is no database to log in to; {step}.")


def no_address(title: str, status: str) -> CloudError:
    return CloudError(f"The {title} has no address, and is {status}; {_WAIT}, and look at its events.")
