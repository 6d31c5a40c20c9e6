# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make the virtual environment that the Makefile works in, and make it again when it is out of date.

`python3 -m tests.tools.environment VENV LAYER [REQUIREMENT ...]`, where LAYER is `run` (what the
demo needs), `pytest` (what the tests need) or `test` (what everything needs), and a requirement
narrows that further. Beside the system's Python this needs nothing: it comes first.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.tools.files import ROOT, locked

OLDEST = (3, 11)
# Each layer contains those above it.
LAYERS = {
    "run": ROOT / "tests" / "requirements-run.txt",
    "pytest": ROOT / "tests" / "requirements-pytest.txt",
    "test": ROOT / "tests" / "requirements.txt",
}
# The versions that the checks were last seen to pass with; `make lock` renews them.
LOCK = ROOT / "tests" / "requirements.lock"


def requirement_files(path: Path) -> list[Path]:
    """Return a requirements file and those that it includes."""
    files = [path]
    for line in path.read_text().splitlines():
        if line.startswith("-r "):
            files += requirement_files((path.parent / line[3:].strip()).resolve())
    return files


def fingerprint(layer: str, further: Sequence[str] = ()) -> str:
    """Return what the environment depends on: the Python, the requirements, and their versions."""
    total = hashlib.sha256(f"{sys.version}\n{sys.base_prefix}\n".encode())
    for path in [*requirement_files(LAYERS[layer]), LOCK]:
        total.update(path.read_bytes())
    total.update("\n".join(further).encode())
    return total.hexdigest()


def create(folder: Path) -> None:
    """Make an empty environment."""
    try:
        venv.create(folder, with_pip=True, clear=True)
    except (subprocess.CalledProcessError, ImportError):
        raise SystemExit(
            f"{sys.executable} cannot make a virtual environment with pip in it. "
            "Install the part of Python that can (on Debian and Ubuntu the package python3-venv)."
        ) from None


def index_of(configuration: str) -> str | None:
    """Return the package index in what `pip config list` prints; of several settings the last one decides."""
    found = re.findall(r"^\S+\.index-url='([^']+)'$", configuration, re.MULTILINE)
    return found[-1] if found else None


def for_uv(python: str | Path) -> dict[str, str]:
    """Return the variable that points uv to the package index of pip, of which uv reads no settings."""
    command = [python, "-m", "pip", "--disable-pip-version-check", "config", "list"]
    index = index_of(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return {} if index is None or "UV_DEFAULT_INDEX" in os.environ else {"UV_DEFAULT_INDEX": index}


def install(folder: Path, layer: str, further: Sequence[str] = ()) -> None:
    """Install one layer and further requirements: with uv, as it is quick, and with pip where uv cannot."""
    python = folder / "bin" / "python"
    pip = [python, "-m", "pip", "install", "--disable-pip-version-check", "--constraint", LOCK]
    wanted = ["--requirement", LAYERS[layer], *further]
    if uv := shutil.which("uv") or (succeeds([*pip, "uv"]) and folder / "bin" / "uv"):
        command = [uv, "pip", "install", "--python", python, "--constraint", LOCK, *wanted]
        if succeeds(command, os.environ | for_uv(python)):
            return
    done = subprocess.run([*pip, *wanted], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise SystemExit(f"{done.stdout}\nThe environment {folder} could not be made: pip failed, see above.")


def succeeds(command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> bool:
    """Run a command in silence and tell whether it ended well."""
    quiet = subprocess.DEVNULL
    return subprocess.run(command, check=False, env=environment, stdout=quiet, stderr=quiet).returncode == 0


def is_usable(folder: Path) -> bool:
    """Tell whether the environment is there and made by this very Python."""
    marker = folder / ".python"
    return (folder / "bin" / "python").exists() and marker.is_file() and marker.read_text() == sys.version


def main() -> None:
    """Do nothing when the stamp is right; else create, install, stamp."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("layer", choices=LAYERS)
    parser.add_argument("further", nargs="*", metavar="requirement")
    arguments = parser.parse_args()
    folder: Path = arguments.folder.absolute()
    if sys.version_info < OLDEST:
        raise SystemExit(f"Python {OLDEST[0]}.{OLDEST[1]} or newer is needed; {sys.executable} is {sys.version}.")
    with locked("environment"):
        stamp = folder / f".stamp-{arguments.layer}"
        wanted = fingerprint(arguments.layer, arguments.further)
        if is_usable(folder) and stamp.is_file() and stamp.read_text() == wanted:
            return
        print(f"Making {arguments.folder} ready ({arguments.layer}); this takes about a minute ...", flush=True)
        if not is_usable(folder):
            create(folder)
            (folder / ".python").write_text(sys.version)
        stamp.unlink(missing_ok=True)
        install(folder, arguments.layer, arguments.further)
        stamp.write_text(wanted)
        if arguments.layer == "test":
            (folder / ".stamp-run").write_text(fingerprint("run"))


if __name__ == "__main__":
    main()
