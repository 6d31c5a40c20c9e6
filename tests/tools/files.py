# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of the project, and the two trees in which Ansible wants to see them.

Ansible finds a collection only below `ansible_collections/<namespace>/<name>`. The
development tree is a symbolic link there to the repository; the clean tree is a copy
of what is under version control.

`python -m tests.tools.files` refreshes the clean tree.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Each cell of the matrix builds in a folder of its own.
BUILD = Path(os.environ.get("PSA_SYNC_BUILD") or ROOT / ".build").absolute()
COLLECTION = Path("ansible_collections", "msp", "psa_sync")


def project_files(root: Path = ROOT) -> list[Path]:
    """Return the files under version control, relative to `root`."""
    return _listed(root, "--cached")


def tracked(*patterns: str) -> list[Path]:
    """Return the paths of the files under version control that match; `**/` stands for any folders."""
    return [ROOT / path for path in _listed(ROOT, "--cached", "--", *(f":(glob){pattern}" for pattern in patterns))]


def untracked_files(root: Path = ROOT) -> list[Path]:
    """Return the files that git neither tracks nor ignores, relative to `root`."""
    return _listed(root, "--others", "--exclude-standard")


def _listed(root: Path, *options: str) -> list[Path]:
    # In a container the checkout may belong to another user, for which git wants to be asked by name.
    command = ["git", "-c", f"safe.directory={root}", "-C", str(root), "ls-files", "-z", *options]
    # The settings of the user stay out: they may ignore further files.
    sealed = os.environ | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    listed = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=sealed).stdout.decode()
    paths = {Path(name) for name in listed.split("\0") if name}
    return sorted(path for path in paths if (root / path).is_file())


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Keep other processes out that want to make the same thing."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def development_tree() -> Path:
    """Return the folder to put on `sys.path`; the link in it is made once, by whoever comes first."""
    tree = BUILD / "dev"
    link = tree / COLLECTION
    target = os.path.relpath(ROOT, link.parent)
    if not link.is_symlink() or os.readlink(link) != target:
        link.parent.mkdir(parents=True, exist_ok=True)
        fresh = link.with_name(f".{link.name}.{os.getpid()}")
        fresh.symlink_to(target)
        os.replace(fresh, link)
    return tree


def clean_tree() -> Path:
    """Make the clean tree equal to the project and return the folder of the collection in it.

    It is a repository of its own, so that ansible-test asks git there and not above.
    `.build/tree.sum` is touched only when something has changed.
    """
    tree = BUILD / "tree" / COLLECTION
    with locked("tree"):
        tree.mkdir(parents=True, exist_ok=True)
        if not (tree / ".git").is_dir():
            subprocess.run(["git", "init", "--quiet", str(tree)], check=True)
        wanted = project_files()
        for path in set(untracked_files(tree)) - set(wanted):
            _remove(tree, path)
        total = hashlib.sha256()
        for path in wanted:
            content = _mirror(ROOT / path, tree / path)
            total.update(b"\0".join((os.fsencode(path), hashlib.sha256(content).digest())))
        _write_if_new(BUILD / "tree.sum", total.hexdigest() + "\n")
    return tree


def _mirror(source: Path, target: Path) -> bytes:
    content = source.read_bytes()
    mode = source.stat().st_mode & 0o777
    if target.is_file() and target.read_bytes() == content and target.stat().st_mode & 0o777 == mode:
        return content
    if target.is_dir():
        shutil.rmtree(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    target.chmod(mode)
    return content


def _remove(tree: Path, path: Path) -> None:
    """Remove a file, and the folders that it leaves empty; those of a tool that works in the tree stay."""
    (tree / path).unlink()
    for folder in path.parents[:-1]:
        if any((tree / folder).iterdir()):
            break
        (tree / folder).rmdir()


def _write_if_new(path: Path, text: str) -> None:
    if not path.is_file() or path.read_text() != text:
        path.write_text(text)


if __name__ == "__main__":
    if strays := untracked_files():
        print(f"Left out, as git does not track them: {', '.join(map(str, strays))}", file=sys.stderr)
    print(os.path.relpath(clean_tree()))
