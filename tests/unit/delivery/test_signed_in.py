# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The script of the example pipelines that signs a job in: which token, where, how long, and what it gives away."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import signal
import stat
import subprocess
import sys
import time
import urllib.error
from pathlib import Path

import pytest

from tests.tools.files import ROOT

SCRIPT = ROOT / "docs" / "examples" / "ci" / "signed_in.py"
GITHUB = {"ACTIONS_ID_TOKEN_REQUEST_URL": "https://ci.example/t?v=2", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "b3arer"}
AZURE = {
    "SYSTEM_OIDCREQUESTURI": "https://dev.example/oidc",
    "SYSTEM_ACCESSTOKEN": "b3arer",
    "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID": "c 1",
}


@pytest.fixture
def script():
    spec = importlib.util.spec_from_file_location("signed_in", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def system(script, monkeypatch):
    """Answers what the script asks of a system; keeps the requests."""
    asked = []
    answers = []

    def open_(request, timeout):
        asked.append(request)
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return io.BytesIO(answer if isinstance(answer, bytes) else json.dumps(answer).encode())

    monkeypatch.setattr(script.urllib.request, "urlopen", open_)
    return asked, answers


def test_github_is_asked_for_a_token_for_entra(script, system):
    asked, answers = system
    answers.append({"value": "t0ken"})
    assert script.token(GITHUB) == "t0ken"
    (request,) = asked
    assert request.get_method() == "GET"
    assert request.full_url == "https://ci.example/t?v=2&audience=api%3A%2F%2FAzureADTokenExchange"
    assert request.get_header("Authorization") == "Bearer b3arer"


def test_azure_pipelines_is_asked_for_the_token_of_the_service_connection(script, system):
    asked, answers = system
    answers.append({"oidcToken": "t0ken"})
    assert script.token(AZURE) == "t0ken"
    (request,) = asked
    assert request.get_method() == "POST"
    assert request.full_url == "https://dev.example/oidc?api-version=7.1&serviceConnectionId=c+1"
    assert request.get_header("Authorization") == "Bearer b3arer"


HOSTILE = "::error::x"


@pytest.mark.parametrize("code", [0, 3])
def test_github_takes_no_line_of_the_output_for_a_command(code):
    command = [sys.executable, "-c", f"print('{HOSTILE}'); raise SystemExit({code})"]
    given = {"PATH": os.environ["PATH"], "GITHUB_ACTIONS": "true", "AZURE_ID_TOKEN": "t0ken"}
    done = subprocess.run([sys.executable, SCRIPT, *command], env=given, capture_output=True, text=True, check=False)
    first, *between, last = done.stdout.splitlines()
    word = first.removeprefix("::stop-commands::")
    assert done.returncode == code
    assert (between, last, len(word)) == ([HOSTILE], f"::{word}::", 32)


@pytest.mark.parametrize("system", ["TF_BUILD", "GITLAB_CI"])
def test_azure_pipelines_and_gitlab_get_no_command(system):
    hostile = "##vso[task.setvariable variable=X]y ##[error]z section_start:1:a"
    command = [sys.executable, "-c", f"import sys; print({hostile!r}); print('told', file=sys.stderr); sys.exit(4)"]
    given = {"PATH": os.environ["PATH"], "AZURE_ID_TOKEN": "t0ken", system: "true"}
    done = subprocess.run([sys.executable, SCRIPT, *command], env=given, capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert sorted(done.stdout.splitlines()) == [
        "# #vso[task.setvariable variable=X]y # #[error]z section_start :1:a",
        "told",
    ]


def test_elsewhere_nothing_is_added_to_the_output():
    command = [sys.executable, "-c", f"print('{HOSTILE}')"]
    given = {"PATH": os.environ["PATH"], "AZURE_ID_TOKEN": "t0ken"}
    done = subprocess.run([sys.executable, SCRIPT, *command], env=given, capture_output=True, text=True, check=True)
    assert done.stdout == f"{HOSTILE}\n"


def test_gitlab_has_given_it_already(script):
    assert script.token({"AZURE_ID_TOKEN": "t0ken"}) == "t0ken"


@pytest.mark.parametrize("environment", [{}, {"AZURE_ID_TOKEN": ""}])
def test_elsewhere_there_is_none(script, environment):
    with pytest.raises(script.NoToken, match="no job of GitHub Actions"):
        script.token(environment)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (urllib.error.HTTPError("https://ci.example/t?b3arer", 403, "b3arer", {}, None), "HTTP 403"),
        (urllib.error.URLError("b3arer"), "URLError"),
        (TimeoutError("b3arer"), "TimeoutError"),
        (b"<html>b3arer", "JSONDecodeError"),
        ({"b3arer": 1}, "KeyError"),
        ([], "TypeError"),
    ],
)
def test_what_goes_wrong_is_reported_without_what_was_secret(script, system, answer, message):
    system[1].append(answer)
    with pytest.raises(script.NoToken, match=message) as raised:
        script.token(GITHUB)
    assert "b3arer" not in str(raised.value)


def run(*command: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, SCRIPT, *command],
        check=False,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )


SHOW = """
import os, pathlib
path = pathlib.Path(os.environ["AZURE_FEDERATED_TOKEN_FILE"])
print(path.read_text(), oct(path.parent.stat().st_mode & 0o777), path)
raise SystemExit(7)
"""


def test_the_command_finds_the_token_in_a_private_place_that_goes_with_it():
    done = run(sys.executable, "-c", SHOW, AZURE_ID_TOKEN="t0ken")
    assert done.returncode == 7
    token, mode, path = done.stdout.split()
    assert (token, mode) == ("t0ken", oct(stat.S_IRWXU))
    assert not Path(path).parent.exists()


def test_without_a_token_nothing_is_run(tmp_path):
    ran = tmp_path / "ran"
    done = run("touch", str(ran))
    assert (done.returncode, ran.exists()) == (1, False)
    assert "no job of GitHub Actions" in done.stderr


def test_the_token_is_renewed_while_the_command_runs(script, system, monkeypatch, tmp_path, capsys):
    """One that cannot be had is asked for again: what is there may still be good."""
    for name, value in GITHUB.items():
        monkeypatch.setenv(name, value)
    late = [{"value": f"t0ken {number}"} for number in range(1, 200)]
    system[1].extend([{"value": "t0ken 0"}, urllib.error.URLError("away"), *late])
    wait = """
import os, pathlib, time
path = pathlib.Path(os.environ["AZURE_FEDERATED_TOKEN_FILE"])
seen = set()
while len(seen) < 3:
    seen.add(path.read_text())
    time.sleep(0.005)
"""
    assert script.main([sys.executable, "-c", wait], renewed_after=0.05) == 0
    assert "URLError" in capsys.readouterr().err


def test_a_cancelled_job_cancels_the_command(tmp_path):
    begun, ended = tmp_path / "begun", tmp_path / "ended"
    trap = f"trap 'touch {ended}; exit 3' TERM; touch {begun}; while true; do sleep 0.05; done"
    with subprocess.Popen(
        [sys.executable, SCRIPT, "bash", "-c", trap], env={**os.environ, "AZURE_ID_TOKEN": "t0ken"}
    ) as process:
        while not begun.exists():
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 3
    assert ended.exists()
