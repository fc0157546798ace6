# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The empty task: takes the same accounts as aurora_iam_users, and does nothing."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    module = AnsibleModule(argument_spec={"users": {"type": "list", "elements": "dict"}})
    module.exit_json(changed=False)


if __name__ == "__main__":
    main()
