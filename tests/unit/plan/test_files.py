# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files whose paths a person gives: regular ones only, readable by their owner alone."""

from __future__ import annotations

import os
import stat

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import InputError
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.files import (
    open_to_append,
    read_regular,
    replace_regular,
)

WAYS = {
    "read": lambda path: read_regular(path, "plan file"),
    "append": lambda path: os.close(open_to_append(path, "plan file", "")),
    "replace": lambda path: replace_regular(path, b"new", "plan file", ""),
}
LONG = "x" * 250


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "there").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "there")
    (tmp_path / "dangling").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    return tmp_path


@pytest.mark.parametrize("place", ["link", "dangling", "pipe", "folder", "/dev/full", "/dev/null"])
@pytest.mark.parametrize("way", WAYS)
def test_what_is_no_regular_file_is_refused_and_left_as_it_is(folder, way, place):
    before = sorted(os.listdir(folder))
    with pytest.raises(InputError, match="it is no regular file"):
        WAYS[way](os.path.join(folder, place))
    assert sorted(os.listdir(folder)) == before
    assert (folder / "there").read_bytes() == b"old"


@pytest.mark.parametrize("way", ["append", "replace"])
@pytest.mark.parametrize("name", ["there", "new", LONG])
def test_what_is_written_is_for_its_owner_alone(folder, way, name):
    path = folder / name
    if path.exists():
        path.chmod(0o644)
    WAYS[way](str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(os.listdir(folder)) == sorted({"there", "link", "dangling", "pipe", "folder", name})


def test_a_replacement_that_fails_leaves_what_was_there(folder, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="No space left on device"):
        WAYS["replace"](str(folder / "there"))
    assert (folder / "there").read_bytes() == b"old"
    assert len(os.listdir(folder)) == 5


def test_what_is_missing_says_so(folder):
    with pytest.raises(InputError, match="cannot be read: No such file or directory"):
        WAYS["read"](str(folder / "missing"))
    with pytest.raises(InputError, match="cannot be written: No such file or directory"):
        WAYS["replace"](str(folder / "missing" / "plan"))
