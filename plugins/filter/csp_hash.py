# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: csp_hash
short_description: How a Content-Security-Policy names an inline script or style
version_added: 0.1.0
description: With it in the policy a browser runs this script, or uses this style, and no other.
options:
  _input:
    description: The text between the element's tags, to the letter.
    type: str
    required: true
author:
  - dbops.aurora_iam contributors (@dbops)
"""

EXAMPLES = r"""
- name: Show the source expression of a script
  ansible.builtin.debug:
    msg: "script-src {{ lookup('ansible.builtin.file', 'page.js') | dbops.aurora_iam.csp_hash }}"
"""

RETURN = r"""
_value:
  description: The source expression, with its quotes.
  type: str
  sample: "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
"""

import base64
import hashlib
from typing import Any


def csp_hash(text: str) -> str:
    """See DOCUMENTATION. https://www.w3.org/TR/CSP3/#grammardef-hash-source"""
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


class FilterModule:
    """Ansible's way to find filters."""

    def filters(self) -> dict[str, Any]:
        return {"csp_hash": csp_hash}
