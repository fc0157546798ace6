# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""The way in as Ansible runs every module: a process of its own, on the host of the task."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.options import aws_spec
from ansible_collections.dbops.aurora_iam.plugins.module_utils._perform import finish, perform
from ansible_collections.dbops.aurora_iam.plugins.module_utils._secrets import known_secrets
from ansible_collections.dbops.aurora_iam.plugins.module_utils._task import Operation, Result


class _Module(AnsibleModule):
    def fail_json(self, msg: str, **details: Any) -> None:
        """Ansible's own code calls this, too: the constructor, when the options are not valid."""
        super().fail_json(**finish({"msg": msg, **details, **self._invocation()}, self.no_log_values))

    def end(self, result: Result) -> None:
        # Up to ansible-core 2.21, what Ansible itself adds is masked by these
        self.no_log_values.update(known_secrets())
        for warning in result.pop("warnings", ()):
            self.warn(warning)
        result.update(finish(self._invocation(), self.no_log_values))
        if result.pop("failed", False):
            super().fail_json(**result)
        self.exit_json(**result)

    def _invocation(self) -> Result:
        """What Ansible adds by itself, in which it masks no names of options, and one may be a secret by mistake."""
        return {"invocation": {"module_args": self.params}}


def run(operation: Operation) -> None:
    """The whole of a module's ``main``."""
    module = _Module(argument_spec={**aws_spec(), **operation.spec}, supports_check_mode=True)
    module.end(perform(operation, module.params, module.no_log_values, write=not module.check_mode))
