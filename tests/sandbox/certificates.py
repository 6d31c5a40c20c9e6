# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A certificate authority for one run of the sandbox. Its key never leaves the memory of the process."""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme

#: The vendors' own names are for clients that a proxy leads here: who does not trust this authority is not misled.
NAMES = (
    "localhost",
    "127.0.0.1",
    *(f"login.{cloud}" for cloud in ("microsoftonline.com", "microsoftonline.us", "chinacloudapi.cn")),
    *("graph.microsoft.com", "graph.microsoft.us", "dod-graph.microsoft.us", "microsoftgraph.chinacloudapi.cn"),
    *("api.itglue.com", "api.eu.itglue.com", "api.au.itglue.com"),
    *("api.bms.kaseya.com", "api.bmsemea.kaseya.com", "api.bmsapac.kaseya.com"),
)


def make(authority_file: Path) -> ssl.SSLContext:
    """Write a new authority's certificate (PEM) to a file; the server's side of TLS, signed by it."""
    authority = trustme.CA(organization_name="Sandbox authority")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    authority.issue_cert(*NAMES, common_name="localhost").configure_cert(context)
    authority.cert_pem.write_to_path(str(authority_file))
    return context
