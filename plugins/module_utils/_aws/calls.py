# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""The one way to AWS: every call of boto3 and botocore is made here, and every failure of one becomes a CloudError."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable, TypeVar

from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.asked import Asked
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import AuroraIamError

Clients = Callable[[str], Any]
"""Makes the client of an AWS service, with the task's region, credentials and retries, as amazon.aws does."""

Answer = TypeVar("Answer")

_COLLECTION = "ansible_collections.dbops.aurora_iam."


def attempt(clients: Clients, asked: Asked, work: Callable[[], Answer]) -> Answer:
    """What ``work`` returns, which asks AWS through ``clients``. Raises AuroraIamError."""
    try:
        return work()
    except AuroraIamError:
        raise
    except Exception as error:
        if _is_defect(error):
            raise
        # Most tasks never need it
        from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.failures import failure

        # Any: credentials come from files, programs and other services, and botocore lets their failures through
        raise failure(error, asked, lambda: principal(clients)) from error


def _is_defect(error: Exception) -> bool:
    """Whether the collection's own code raised it, which raises only AuroraIamError on purpose: no advice about
    credentials and settings helps. A failed import is about what is installed.
    """
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    module = "" if place is None else str(place.tb_frame.f_globals.get("__name__", ""))
    return module.startswith(_COLLECTION) and not isinstance(error, ImportError)


def call(
    clients: Clients,
    operation: str,
    action: str,
    subject: str,
    missing: Mapping[str, str] | None = None,
    **arguments: Any,
) -> Any:
    """Call an operation of the service that ``action`` is of. botocore repeats what is throttled or fails inside AWS.

    action   the IAM action that the call needs, such as ``rds:DescribeDBClusters``
    subject  what it is about, for messages, such as ``cluster orders``
    missing  error code → sentence, for the errors that have a better explanation than AWS's own
    Raises CloudError.
    """
    service = action.partition(":")[0]
    asked = Asked(action, subject, missing or {})
    return attempt(clients, asked, lambda: getattr(clients(service), operation)(**arguments))


def listed(
    clients: Clients, operation: str, action: str, subject: str, key: str, **arguments: Any
) -> list[dict[str, Any]]:
    """Everything that an RDS operation lists under ``key``, page by page. The rest is as for :func:`call`."""
    found: list[dict[str, Any]] = []
    while True:
        page = call(clients, operation, action, subject, **arguments)
        found += page.get(key, [])
        if not page.get("Marker"):
            return found
        arguments["Marker"] = page["Marker"]


def principal(clients: Clients) -> str:
    """The ARN of the principal that the task is to AWS; empty where that cannot be had. Needs no permission.

    https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
    """
    try:
        return str(clients("sts").get_caller_identity()["Arn"])
    except Exception:  # whatever it is, the failure that is being explained matters more
        return ""
