# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build the execution environment of the example with the artifact, and find the collection in it.

Without a container engine it goes as far as the tools do: the build context is made, and pip resolves
what ansible-builder finds that the collection needs.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from tests.tools.files import BUILD, ROOT

EXAMPLE = ROOT / "docs" / "examples" / "awx" / "execution-environment.yml"
FOLDER = BUILD / "execution-environment"
IMAGE = "localhost/msp-psa_sync:test"
BUILDER = Path(sys.executable).with_name("ansible-builder")


def engine() -> str | None:
    """Return the container engine of this machine that answers."""
    for name in filter(shutil.which, ("podman", "docker")):
        if subprocess.run([name, "info"], check=False, capture_output=True).returncode == 0:
            return name
    return None


def definition() -> Path:
    """Write the example's definition, with the artifact in place of a release from Galaxy."""
    (artifact,) = (BUILD / "artifact").glob("*.tar.gz")
    example = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    example["dependencies"]["galaxy"] = {"collections": [{"name": artifact.name, "type": "file"}]}
    example["additional_build_files"] = [{"src": str(artifact), "dest": "."}]
    path = FOLDER / "execution-environment.yml"
    path.write_text(yaml.safe_dump(example), encoding="utf-8")
    return path


def check_requirements() -> None:
    """Let pip resolve what ansible-builder finds in the installed collection."""
    found = subprocess.run([BUILDER, "introspect", BUILD / "installed"], check=True, stdout=subprocess.PIPE, text=True)
    requirements = FOLDER / "requirements.txt"
    requirements.write_text("\n".join(yaml.safe_load(found.stdout)["python"]), encoding="utf-8")
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet"]
    subprocess.run([*command, "--requirement", requirements], check=True)


def main() -> None:
    """Build the image and run it, or say that it cannot be built here."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    context = ("--file", definition(), "--context", FOLDER / "context")
    found = engine()
    if found is None:
        subprocess.run([BUILDER, "create", *context], check=True)
        check_requirements()
        print("NOT BUILT, as no container engine answers. The build context and the requirements are valid.")
        return
    subprocess.run([BUILDER, "build", *context, "--container-runtime", found, "--tag", IMAGE], check=True)
    documented = ["ansible-doc", "--type", "module", "msp.psa_sync.contact_sync"]
    subprocess.run([found, "run", "--rm", IMAGE, *documented], check=True, stdout=subprocess.DEVNULL)
    print(f"Built {IMAGE}; the collection is in it.")


if __name__ == "__main__":
    main()
