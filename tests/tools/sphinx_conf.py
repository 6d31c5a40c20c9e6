# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Sphinx is told about the documentation. `tests/tools/docs.py` puts it beside the pages as `conf.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docutils import nodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "msp.psa_sync"
copyright = "2026, The msp.psa_sync authors"
extensions = ["sphinx.ext.autodoc", "sphinx_antsibull_ext"]
nitpicky = True

html_title = project
html_theme = "furo"
html_use_smartypants = False
html_show_sphinx = False
html_static_path = ["static"]
html_css_files = ["sphinx.css"]

ANSIBLE = "https://docs.ansible.com/ansible/latest"
LABELS = {
    "action_plugins": "plugins/action.html#action-plugins",
    "ansible_configuration_settings": "reference_appendices/config.html#ansible-configuration-settings",
    "callback_plugins": "plugins/callback.html#callback-plugins",
    "common_return_values": "reference_appendices/common_return_values.html#common-return-values",
}
"""Labels of Ansible's own documentation that antsibull-docs refers to."""


def in_ansibles_documentation(
    app: Sphinx, environment: object, node: nodes.Element, content: nodes.Element
) -> nodes.reference | None:
    """A link to Ansible's own pages, for what they describe; nothing is fetched for it."""
    target, kind = node["reftarget"], node["reftype"]
    if kind == "ref" and target in LABELS:
        page = LABELS[target]
    elif kind == "envvar" and target.startswith("ANSIBLE_"):
        page = f"reference_appendices/config.html#envvar-{target}"
    else:
        return None
    return nodes.reference("", "", content, refuri=f"{ANSIBLE}/{page}", internal=False)


def setup(app: Sphinx) -> None:
    app.connect("missing-reference", in_ansibles_documentation)
