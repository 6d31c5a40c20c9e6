# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks on each supported version of ansible-core: all sanity tests, and the tests that know Ansible.

`make matrix` runs them. antsibull-nox is not used: it takes ansible-core from GitHub, which not every
machine that tests this collection can reach.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path

import nox

# nox itself does not look here for modules.
sys.path.insert(0, str(Path(__file__).parent))

from tests.tools import environment

#: Each ansible-core, with the oldest Python of its controller that the collection supports.
#: Source: "ansible-core support matrix" in Ansible's documentation.
CELLS = {"2.18": "3.11", "2.19": "3.11", "2.20": "3.12", "2.21": "3.13"}
NEWEST = "2.21"
#: Its development branch, or what `make devel DEVEL=…` gives: a requirement, a path or an address that pip takes.
DEVEL = os.environ.get("DEVEL") or "https://github.com/ansible/ansible/archive/devel.tar.gz"

#: Unit tests of what is shipped; the newest cell runs all of them, on its newer Python.
UNITS = ("ansible", "clients", "engine", "fleet", "plan", "probe", "report", "settings", "shared", "sync")
#: What a unit test imports whose outcome another ansible-core can change.
USES_ANSIBLE = re.compile(
    r"^(?:from|import) (?:ansible\.|ansible_collections\.\S+\.(?:module_utils\._ansible|plugins\.(?!module_utils))"
    r"|tests\.unit\.ansible\.)",
    re.MULTILINE,
)

COLLECTION = Path("tree", "ansible_collections", "msp", "psa_sync")

nox.options.default_venv_backend = "venv"
nox.options.envdir = ".build/nox"
nox.options.reuse_venv = "yes"
# A shim of pyenv runs only the versions that are chosen.
os.environ.setdefault("PYENV_VERSION", ":".join(dict.fromkeys(CELLS.values())))


@nox.session
@nox.parametrize(["python", "core"], [nox.param(python, core, id=core) for core, python in CELLS.items()])
def cell(session: nox.Session, core: str) -> None:
    """Test on a supported ansible-core."""
    install(session, f"ansible-core=={core}.*")
    check(session, core, unit_tests(all_of_them=core == NEWEST))


@nox.session(python=CELLS[NEWEST], default=False)
def devel(session: nox.Session) -> None:
    """Test on the development branch of ansible-core, where GitHub can be reached, or on another source of it."""
    install(session)
    try:
        session.install("--upgrade", "--pre", DEVEL)
    except nox.command.CommandFailed:
        session.skip(f"{DEVEL} cannot be installed here, see above")
    check(session, "devel", unit_tests())


@nox.session(python="3.12", default=False)
def certification(session: nox.Session) -> None:
    """Check with the releases of the tools that the checks for certified content pin."""
    # Their ansible-core, 2.16, is older than this collection supports.
    tools = ("ansible-core==2.18.*", "ansible-lint==24.12.2", "galaxy-importer==0.4.31", "distlib")
    session.install(*tools)
    session.env["PSA_SYNC_BUILD"] = str(Path(".build", "matrix", "certification").absolute())
    session.run("python", "-m", "tests.tools.files", silent=True)
    session.run("python", "-m", "tests.tools.artifact")
    session.env["ANSIBLE_COLLECTIONS_PATH"] = f"{session.env['PSA_SYNC_BUILD']}/tree"
    with session.chdir(Path(session.env["PSA_SYNC_BUILD"], COLLECTION)):
        session.run("ansible-lint", "--offline", "--profile=production", "-x", "sanity", "--nocolor")
    (artifact,) = Path(session.env["PSA_SYNC_BUILD"], "artifact").glob("*.tar.gz")
    session.run(
        "python", "-m", "tests.tools.importer", str(artifact), env={"GALAXY_IMPORTER_RUN_ANSIBLE_LINT": "false"}
    )


def install(session: nox.Session, *narrowed: str) -> None:
    """Install what the tests need, with the uv of the environment that nox is in."""
    session.log(f"install {' '.join(narrowed) or 'what the tests need'}")
    environment.install(Path(session.virtualenv.location), "pytest", narrowed)


def unit_tests(*, all_of_them: bool = False) -> list[str]:
    """The files of unit tests that another ansible-core can change, or all."""
    files = sorted(path for folder in UNITS for path in Path("tests", "unit", folder).glob("test_*.py"))
    return [str(path) for path in files if all_of_them or USES_ANSIBLE.search(path.read_text(encoding="utf-8"))]


def check(session: nox.Session, core: str, units: Iterable[str]) -> None:
    """Build and install the collection with the session's ansible-core, and run what depends on it."""
    folder = Path(".build", "matrix", core).absolute()
    session.env["PSA_SYNC_BUILD"] = str(folder)
    session.run("python", "-m", "tests.tools.files", silent=True)
    session.run("python", "-m", "tests.tools.artifact")
    tests = {
        "units": list(units),
        # The report's page knows no Ansible; its tests need a browser, which the cells do without.
        "integration": ["tests/integration", "-m", "every_core", "--ignore=tests/integration/test_report_page.py"],
    }
    for part, arguments in tests.items():
        report = f"--junit-xml={folder}/{part}.xml"
        session.run("pytest", "-p", "no:cacheprovider", "--quiet", "--numprocesses=auto", report, *arguments)
    session.run("python", "-m", "tests.tools.bootstrap_ansible_test")
    # The tests themselves are checked on the newest ansible-core alone.
    narrowed = () if core == NEWEST else ("--exclude", "tests/")
    with session.chdir(folder / COLLECTION):
        session.run("ansible-test", "sanity", "--color", "no", "--venv", "--python", str(session.python), *narrowed)
