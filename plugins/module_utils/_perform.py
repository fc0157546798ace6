# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""From a module's validated options to its result, whichever way the task came in."""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.clients import AwsClients
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import AuroraIamError
from ansible_collections.dbops.aurora_iam.plugins.module_utils._secrets import forget_secrets, mask, register_secret
from ansible_collections.dbops.aurora_iam.plugins.module_utils._sentences import escape_sentences
from ansible_collections.dbops.aurora_iam.plugins.module_utils._task import Operation, Result, Task


class _Task(Task):
    """
    warnings  what :meth:`warn` was told
    """

    def __init__(self, params: Mapping[str, Any], write: bool) -> None:
        self.params = params
        self.write = write
        self.warnings: list[str] = []
        self.aws = AwsClients(params)

    def client(self, service: str) -> Any:
        return self.aws.client(service)

    def warn(self, text: str) -> None:
        self.warnings.append(text)


def perform(operation: Operation, params: Mapping[str, Any], no_log: Iterable[str], write: bool) -> Result:
    """The module's result, ready to be shown; ``failed`` and ``warnings`` are in it where there are any.

    no_log  values of options that must not be shown
    """
    forget_secrets()
    task = _Task(params, write)
    try:
        result = {"changed": False, **operation.perform(task)}
    except AuroraIamError as error:
        result = {"failed": True, "msg": str(error), **error.details}
        if error.entries():
            result["errors"] = error.entries()
    except Exception as error:
        # Let through, Ansible would show the traceback as it is, and on the controller the task's arguments with it
        message = f"{type(error).__name__}: {error}. This is a defect of dbops.aurora_iam; please report it."
        result = {"failed": True, "msg": message, "exception": traceback.format_exc()}
    if task.warnings:
        result["warnings"] = task.warnings
    if params["debug_botocore_endpoint_logs"]:
        result["resource_actions"] = sorted(task.aws.calls)
    return finish(result, no_log)


def finish(result: Mapping[str, Any], no_log: Iterable[str]) -> Result:
    """Everything that leaves the collection leaves through here: without secrets, and legible."""
    register_secret(*no_log)
    finished: Result = escape_sentences(mask(result))
    return finished
