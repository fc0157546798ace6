# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Calls to AWS, and the sentences for those that fail."""

from __future__ import annotations

from typing import Any, Callable

from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import CloudError

Clients = Callable[[str], Any]
"""Makes the client of an AWS service, with the task's region, credentials and retries: amazon.aws's own."""

_DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")


def call(
    client: Any, operation: str, action: str, subject: str, missing: dict[str, str] | None = None, **arguments: Any
) -> Any:
    """Call ``client.operation(**arguments)`` with retries for throttling.

    action   the IAM action that the call needs, such as ``rds:DescribeDBClusters``
    subject  what it is about, for messages, such as ``cluster orders``
    missing  error code → sentence, for the errors that have a better explanation than AWS's own
    Raises CloudError.
    """
    # Not before there is a client: only then is it worth its time
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    try:
        return getattr(client, operation)(aws_retry=True, **arguments)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if missing and code in missing:
            raise CloudError(missing[code], code=code) from error
        if code in _DENIED:
            raise CloudError(
                f"AWS denied {action} on {subject}; allow this action to the principal that runs the task.", code=code
            ) from error
        raise CloudError(
            f"{action} on {subject} failed: {error.response['Error'].get('Message', code)}", code=code
        ) from error
    except ResponseParserError as error:
        raise CloudError(
            f"{action} on {subject} was answered by something that is not AWS; check region, endpoint_url and proxies."
        ) from error
    except BotoCoreError as error:
        raise CloudError(
            f"{action} on {subject} could not be sent: {error}. Check region, credentials and endpoint_url."
        ) from error


def listed(client: Any, operation: str, action: str, subject: str, key: str, **arguments: Any) -> list[dict[str, Any]]:
    """Everything that an RDS operation lists under ``key``, page by page. The rest is as for :func:`call`."""
    found: list[dict[str, Any]] = []
    while True:
        page = call(client, operation, action, subject, **arguments)
        found += page.get(key, [])
        if not page.get("Marker"):
            return found
        arguments["Marker"] = page["Marker"]
