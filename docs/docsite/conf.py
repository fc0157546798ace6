# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of the documentation's site, for Sphinx. ``make docsite`` builds it (tests/docsite.py)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from docutils import nodes

_GALAXY = yaml.safe_load((Path(__file__).parent / "galaxy.yml").read_text())

project = f"{_GALAXY['namespace']}.{_GALAXY['name']}"
author = "dbops.aurora_iam contributors"
project_copyright = author
version = release = _GALAXY["version"]
title = html_short_title = f"{project} {version}"

extensions = ["myst_parser", "sphinx_antsibull_ext"]
root_doc = "index"
exclude_patterns = ["LICENSES", "changelogs", "extensions"]
nitpicky = True

# Markdown as on GitHub: a heading is an anchor
myst_heading_anchors = 3
myst_enable_extensions = ["html_admonition"]

pygments_style = "ansible"
html_theme = "sphinx_ansible_theme"
html_theme_options = {
    "vcs_pageview_mode": "edit",
    "documentation_home_url": _GALAXY["documentation"],
}
html_show_sphinx = False
html_use_index = False
html_use_modindex = False
html_copy_source = False

_ANSIBLE = "https://docs.ansible.com/ansible/latest"
_ELSEWHERE = {
    "action_plugins": f"{_ANSIBLE}/plugins/action.html",
    "ansible_configuration_settings": f"{_ANSIBLE}/reference_appendices/config.html",
    "common_return_values": f"{_ANSIBLE}/reference_appendices/common_return_values.html",
}
"""labels of Ansible's own documentation that antsibull-docs writes into the reference"""
_PLUGIN = re.compile(r"ansible_collections\.(?P<namespace>\w+)\.(?P<collection>\w+)\.(?P<page>\w+)$")
"""the label of a plugin of another collection"""


def setup(app: Any) -> None:
    app.connect("missing-reference", _link_to_ansible)


def _link_to_ansible(_app: Any, _environment: Any, node: Any, text: nodes.Node) -> nodes.Node | None:
    label = str(node["reftarget"])
    plugin = _PLUGIN.match(label)
    address = (
        "{}/collections/{namespace}/{collection}/{page}.html".format(_ANSIBLE, **plugin.groupdict()) if plugin else None
    )
    address = _ELSEWHERE.get(label, address)
    return nodes.reference("", "", text, refuri=address) if address else None
