# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The descriptions belong to the vendors: they lie beside the checkout, and are no part of it."""

from tests.vendors.descriptions import DIRECTORY

collect_ignore_glob = [] if DIRECTORY.is_dir() else ["test_*.py"]
