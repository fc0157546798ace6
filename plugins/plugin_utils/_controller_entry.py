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
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import UnsupportedError
from ansible.plugins.action.normal import ActionModule as ModuleAction

from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.options import aws_spec
from ansible_collections.dbops.aurora_iam.plugins.module_utils._perform import finish, perform
from ansible_collections.dbops.aurora_iam.plugins.module_utils._task import Operation, Result


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
        no_log = validated._no_log_values
        if validated.error_messages:
            result = finish({"failed": True, "msg": self._complaint(validated)}, no_log)
        else:
            result = perform(self.operation, validated.validated_parameters, no_log, write=not self._task.check_mode)
        # In the words of Ansible's ModuleArgumentSpecValidator
        doubled = [f"Both option {one['option']} and its alias {one['alias']} are set." for one in validated._warnings]
        if doubled:
            result["warnings"] = [*doubled, *result.get("warnings", ())]
        return result

    def _complaint(self, validated: Any) -> str:
        """In a module's own words."""
        message: str = validated.errors.msg
        if isinstance(validated.errors[0], UnsupportedError):
            return f"Unsupported parameters for ({self._task.action}) module: {message}"
        return message


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
