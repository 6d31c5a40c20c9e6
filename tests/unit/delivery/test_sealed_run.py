# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What continuous integration runs is sealed from the machine, and the commands work with an environment anywhere."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools.files import ROOT

#: Stands for `make`: writes down how it was called, and whether it could write beside the clone and in it.
MAKE = """\
#!{python}
import json, os, sys

def can_write(path):
    try:
        open(path, "w").close()
    except OSError:
        return False
    return True

told = {{"arguments": sys.argv[1:], "environment": dict(os.environ), "home": os.listdir(os.environ["HOME"])}}
told["inside"], told["beside"] = can_write("made"), can_write("../stray")
with open("calls", "a") as file:
    print(json.dumps(told), file=file)
"""
#: Stands for the Python of the environment: `make test` ran on ansible-core 2.19.
PYTHON = """\
#!/bin/sh
if [ "$1" = -c ]; then echo 2.19; else echo "$@" >> summaries; fi
"""


@pytest.fixture
def clone(tmp_path) -> Path:
    """A folder with .ci/run, and stand-ins for what it calls."""
    made = tmp_path / "around" / "clone"
    for path, content in {"bin/make": MAKE.format(python=sys.executable), ".venv/bin/python": PYTHON}.items():
        (made / path).parent.mkdir(parents=True)
        (made / path).write_text(content)
        (made / path).chmod(0o755)
    (made / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", made / ".ci" / "run")
    (made / "Makefile").write_text("CELLS ?= 2.18 2.19 2.20\n")
    for report in ("results/unit.xml", "matrix/2.18/units.xml"):
        (made / ".build" / report).parent.mkdir(parents=True)
        (made / ".build" / report).touch()
    return made


@pytest.fixture
def calls(clone) -> list[dict]:
    """How `make` was called, in order."""
    leaks = {"ANSIBLE_CONFIG": "/x", "BMS_PASSWORD": "x", "LANG": "de_DE.UTF-8", "TZ": "Asia/Tokyo", "GIT_DIR": "/x"}
    kept = {"PIP_INDEX_URL": "https://index.example", "https_proxy": "http://proxy.example"}
    path = f"{clone / 'bin'}:{os.environ['PATH']}"
    subprocess.run(["bash", clone / ".ci" / "run"], check=True, env={**os.environ, **leaks, **kept, "PATH": path})
    return [json.loads(line) for line in (clone / "calls").read_text().splitlines()]


def test_it_calls_the_test_command_of_the_readme_and_then_the_other_cells(calls, clone):
    assert [each["arguments"] for each in calls] == [["test"], ["matrix", "CELLS=2.18  2.20"]]
    assert "`make test`" in (ROOT / "README.md").read_text(encoding="utf-8")
    reports = "-m tests.tools.summary .build/results/unit.xml .build/matrix/2.18/units.xml\n"
    assert (clone / "summaries").read_text() == reports


def test_it_keeps_out_all_variables_but_the_way_to_the_package_index(calls):
    ways = {"PIP_INDEX_URL": "https://index.example", "https_proxy": "http://proxy.example"}
    for each in calls:
        kept = each["environment"]
        assert ways.items() <= kept.items()
        own = {"CI", "HOME", "PATH", "TMPDIR", "PWD", "OLDPWD", "SHLVL", "_", "LC_CTYPE"}
        others = {name for name in kept.keys() - own if not name.upper().startswith(("PIP_", "UV_"))}
        assert others <= {"https_proxy", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CHROMIUM", "http_proxy", "no_proxy"}


def test_its_home_is_empty_and_not_the_one_of_the_password_file(calls):
    first = calls[0]
    assert first["home"] == []
    assert first["environment"]["HOME"] != pwd.getpwuid(os.getuid()).pw_dir
    assert not Path(first["environment"]["HOME"]).exists()  # removed in the end


def test_what_surrounds_the_clone_is_read_only_where_mounts_are_allowed(calls):
    mounts = subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode == 0
    assert [(each["inside"], each["beside"]) for each in calls] == [(True, not mounts)] * 2


def test_the_environment_may_be_an_absolute_path(tmp_path):
    """No target names `.venv` itself."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert ".venv/bin" not in makefile
    command = ["make", "--dry-run", "--no-print-directory", f"VENV={tmp_path}/venv", "lint-yaml"]
    reported = subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True).stdout
    assert f"-m tests.tools.environment {tmp_path}/venv test" in reported
    assert f"{tmp_path}/venv/bin/yamllint" in reported
