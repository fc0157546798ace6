# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""The way in on the controller itself, for a task that would only start the same Python there once more.

Packing a module, starting an interpreter for it and compiling its code anew takes longer than its work. Where the task
is local, with the controller's own interpreter, as its own user and in its own environment, it is done in the worker
that Ansible forks for each task anyway. Everywhere else the module is run as any other.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import missing_required_lib
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.errors import UnsupportedError
from ansible.plugins.action.normal import ActionModule as ModuleAction

from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.options import aws_spec
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import AuroraIamError, CloudError, MissingLibrary
from ansible_collections.dbops.aurora_iam.plugins.module_utils._task import Operation, Result, Task


class ControllerAction(ModuleAction):
    """A module's action plugin."""

    operation: Operation

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> Result:
        if not self._would_run_here(task_vars or {}):
            result: Result = super().run(tmp, task_vars)
            return result
        return self._perform()

    def _would_run_here(self, task_vars: Mapping[str, Any]) -> bool:
        if self._connection.transport != "local" or self._connection.become or self._task.async_val:
            return False
        if any(self._task.environment or ()):
            return False
        if self._task.delegate_to:
            task_vars = task_vars.get("ansible_delegated_vars", {}).get(self._task.delegate_to, {})
        interpreter = self._templar.template(task_vars.get("ansible_python_interpreter", ""))
        return bool(interpreter == sys.executable)

    def _perform(self) -> Result:
        arguments = plain(dict(self._task.args))
        validated = ArgumentSpecValidator({**aws_spec(), **self.operation.spec}).validate(arguments)
        if validated.error_messages:
            return {"failed": True, "msg": self._complaint(validated)}
        task = ControllerTask(validated.validated_parameters, write=not self._task.check_mode)
        try:
            result = {"changed": False, **self.operation.perform(task)}
        except AuroraIamError as error:
            result = {"failed": True, "msg": error.message, **error.details}
        except Exception as error:
            # Let through, Ansible would show the task's arguments with it, passwords among them
            message = f"{type(error).__name__}: {error}. This is a defect of dbops.aurora_iam; please report it."
            result = {"failed": True, "msg": message, "exception": traceback.format_exc()}
        if task.warnings:
            result["warnings"] = task.warnings
        # As a module does: what must not be logged is cut out of whatever it says
        without_secrets: Result = remove_values(result, validated._no_log_values)
        return without_secrets

    def _complaint(self, validated: Any) -> str:
        """In a module's own words."""
        message: str = validated.errors.msg
        if isinstance(validated.errors[0], UnsupportedError):
            return f"Unsupported parameters for ({self._task.action}) module: {message}"
        return message


class ControllerTask(Task):
    """
    warnings  what :meth:`warn` was told
    """

    def __init__(self, params: Mapping[str, Any], write: bool) -> None:
        self.params = params
        self.write = write
        self.warnings: list[str] = []
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = make_client(service, self.params)
        return self._clients[service]

    def warn(self, text: str) -> None:
        self.warnings.append(text)


def make_client(service: str, options: Mapping[str, Any]) -> Any:
    """An AWS client of amazon.aws's making. Raises MissingLibrary, CloudError."""
    # Not before AWS is asked: importing boto3 takes longer than a whole task without it
    try:
        from ansible_collections.amazon.aws.plugins.module_utils.botocore import HAS_BOTO3
        from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry
        from ansible_collections.amazon.aws.plugins.plugin_utils.base import AWSPluginBase
    except ModuleNotFoundError:
        raise MissingLibrary(
            "The collection amazon.aws, which asks AWS, is not installed on the controller; run "
            "ansible-galaxy collection install amazon.aws."
        ) from None
    if not HAS_BOTO3:
        raise MissingLibrary(missing_required_lib("boto3", reason="to ask AWS for the cluster and its credentials"))

    class Options(AWSPluginBase):
        ansible_name = "dbops.aurora_iam"

        def get_options(self) -> Mapping[str, Any]:
            return options

        def _do_fail(self, message: str) -> Any:
            raise CloudError(message)

    return Options().client(service, retry_decorator=AWSRetry.jittered_backoff())


def plain(value: Any) -> Any:
    """The value without what Ansible's templating adds to it: a driver knows a text only if it is exactly ``str``."""
    if isinstance(value, Mapping):
        return {plain(key): plain(element) for key, element in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(element) for element in value]
    for kind in (bool, int, float):
        if isinstance(value, kind):
            return kind(value)
    return None if value is None else str(value)
