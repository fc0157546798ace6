# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.dbops.aurora_iam.plugins.module_utils._connect_policy_module import OPERATION
from ansible_collections.dbops.aurora_iam.plugins.plugin_utils._controller_entry import ControllerAction


class ActionModule(ControllerAction):
    operation = OPERATION
