# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: script_json
short_description: JSON that can stand in a script element of an HTML page
version_added: 0.1.0
description:
  - Writes JSON in which no text can end the element or begin a comment, because C(<), C(>), C(&) and the line
    separators of Unicode are escaped. It reads back as what it was.
options:
  _input:
    description: Anything that JSON can hold.
    type: raw
    required: true
author:
  - dbops.aurora_iam contributors (@dbops)
"""

EXAMPLES = r"""
- name: Show how it is written
  ansible.builtin.debug:
    msg: "{{ {'name': '</script>'} | dbops.aurora_iam.script_json }}"
"""

RETURN = r"""
_value:
  description: The JSON, with no space that it does not need.
  type: str
"""

import json
from typing import Any

# https://html.spec.whatwg.org/multipage/scripting.html#restrictions-for-contents-of-script-elements
ESCAPED = str.maketrans({character: f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"})


def script_json(value: Any) -> str:
    """See DOCUMENTATION."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).translate(ESCAPED)


class FilterModule:
    """Ansible's way to find filters."""

    def filters(self) -> dict[str, Any]:
        return {"script_json": script_json}
