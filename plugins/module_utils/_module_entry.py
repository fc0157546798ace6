# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""The way in as Ansible runs every module: a process of its own, on the host of the task."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.options import aws_spec
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import AuroraIamError, MissingLibrary
from ansible_collections.dbops.aurora_iam.plugins.module_utils._task import Operation, Task


class ModuleTask(Task):
    """A task whose AWS clients are amazon.aws's own, made when AWS is first asked for something.

    Importing boto3 takes longer than a whole task without it, so that a task that has no question to AWS does not.

    module  what the task ends with: amazon.aws's module once AWS was asked, because it adds what it has logged
    """

    def __init__(self, operation: Operation) -> None:
        self._spec = {**aws_spec(), **operation.spec}
        self._clients: dict[str, Any] = {}
        self.module: Any = AnsibleModule(argument_spec=self._spec, supports_check_mode=True)
        self.params = self.module.params
        self.write = not self.module.check_mode

    def client(self, service: str) -> Any:
        if not self._clients:
            self._become_aws_module()
        if service not in self._clients:
            from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry

            self._clients[service] = self.module.client(service, retry_decorator=AWSRetry.jittered_backoff())
        return self._clients[service]

    def _become_aws_module(self) -> None:
        from ansible_collections.amazon.aws.plugins.module_utils.botocore import HAS_BOTO3
        from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

        if not HAS_BOTO3:
            raise MissingLibrary(missing_required_lib("boto3", reason="to ask AWS for the cluster and its credentials"))
        self.module = AnsibleAWSModule(argument_spec=self._spec, supports_check_mode=True, check_boto3=False)

    def warn(self, text: str) -> None:
        self.module.warn(text)


def run(operation: Operation) -> None:
    """The whole of a module's ``main``."""
    task = ModuleTask(operation)
    try:
        result = operation.perform(task)
    except AuroraIamError as error:
        task.module.fail_json(msg=error.message, **error.details)
    task.module.exit_json(**result)
