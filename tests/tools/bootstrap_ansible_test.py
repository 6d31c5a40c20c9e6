# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""See to it that ansible-test can put pip into the environments that it makes.

ansible-test downloads a script for that, once, into `~/.ansible/test/cache`. Where the download
cannot be had, a script that copies the pip beside it is put in its place.
Run by the Python that ansible-test is installed in, with a pip of any version.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from importlib.util import find_spec
from pathlib import Path

TIMEOUT = 5.0  # seconds

# Called as get-pip.py is: with options for pip and the requirements to install.
STAND_IN = """\
# Written where ansible-test's own bootstrap script could not be downloaded. Safe to delete.
import os
import shutil
import subprocess
import sys
import sysconfig

shutil.copytree(os.path.splitext(__file__)[0], sysconfig.get_path("purelib"), dirs_exist_ok=True)
others = [each for each in sys.argv[1:] if not each.startswith(("--no-", "pip=="))]
if any(not each.startswith("-") for each in others):
    subprocess.check_call([sys.executable, "-m", "pip", "install"] + others)
"""


def package_file(*parts: str) -> str:
    """Return the text of a file of the installed ansible-test."""
    spec = find_spec("ansible_test")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("ansible-test is not installed in this environment.")
    return Path(spec.submodule_search_locations[0], *parts).read_text()


def only(pattern: str, text: str, what: str) -> str:
    """Return the one hit of `pattern`."""
    hits = set(re.findall(pattern, text))
    if len(hits) != 1:
        raise SystemExit(f"This ansible-test is not built as expected: {len(hits)} hits for {what}.")
    return hits.pop()


def pip_version() -> str:
    """Return the version of pip that the installed ansible-test wants."""
    return only(r"pip='([0-9.]+)'", package_file("_internal", "python_requirements.py"), "the version of pip")


def write_stand_in(path: Path) -> None:
    """Write the script, and beside it the pip that it copies."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        pip, script = Path(folder, "pip"), Path(folder, path.name)
        subprocess.run([*command, "--target", pip, f"pip=={pip_version()}"], check=True)
        with contextlib.suppress(OSError):  # another cell of the matrix was first
            os.rename(pip, path.with_suffix(""))
        script.write_text(STAND_IN)
        os.replace(script, path)


def cache_file() -> tuple[str, Path]:
    """Return the address that the installed ansible-test downloads from, and the file in which it looks first."""
    version = pip_version()
    script = package_file("_util", "target", "setup", "requirements.py")
    address = only(r"url = '(https://\S+)' % pip_version", script, "the address")
    name = only(r"'(~/\S+%s\S*)' % pip_version\.replace\(\"\.\", \"_\"\)", script, "the cache")
    return address % version, Path(os.path.expanduser(name % version.replace(".", "_")))


def main() -> None:
    """Fill the cache where it is empty."""
    address, path = cache_file()
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with urllib.request.urlopen(address, timeout=TIMEOUT) as answer, fresh.open("wb") as target:
            shutil.copyfileobj(answer, target)
    except OSError as error:
        print(f"{address} cannot be had ({error}); ansible-test gets pip from the package index instead.")
        fresh.unlink(missing_ok=True)
        write_stand_in(path)
    else:
        os.replace(fresh, path)


if __name__ == "__main__":
    main()
