# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The jobs of the example pipelines, run against the sandbox as their systems run them, without a stored secret."""

from __future__ import annotations

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.demo.steps import is_write
from tests.integration.fleet import run
from tests.integration.pipelines import EXAMPLES, SYSTEMS, Runner
from tests.sandbox.identity import Identity
from tests.sandbox.launch import Running, running
from tests.tools.files import BUILD, ROOT, tracked
from tests.trust.tally import by_day

WORLD = json.loads((ROOT / "tests" / "demo" / "world.json").read_text(encoding="utf-8"))
HOSTS = ("happy_frog", "muller_sohne_gmbh", "sakura_design")
BEARER = "of-this-job"
# Stand for what is not under test: they write down how they were called, and gh what it was to show.
STUBS = {
    "pip": "",
    "ansible-galaxy": "",
    "gh": 'for given; do last=$given; done; cp "$last" "$REPORTED/comment.md"',
}


AUDIENCE = "api://AzureADTokenExchange"
ISSUER = "https://ci.example"
# As the guide lists them.
SUBJECTS = (
    "repo:msp/contacts:environment:contacts-check",
    "repo:msp/contacts:environment:contacts",
    "project_path:msp/contacts",
    "sc://msp/contacts/contacts-check",
    "sc://msp/contacts/contacts-apply",
)


@pytest.fixture(scope="module")
def system() -> Identity:
    """The key of the system that runs the jobs, which the app trusts."""
    return Identity()


@pytest.fixture(scope="module")
def issuer(system):
    """Where GitHub Actions and Azure Pipelines give a job its token; its address."""

    class Issuer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            subject = f"repo:msp/contacts:environment:{self.asked('environment')}"
            self.answer({"value": system.token(iss=ISSUER, sub=subject, aud=self.asked("audience"))})

        def do_POST(self) -> None:
            subject = f"sc://msp/contacts/{self.asked('serviceConnectionId')}"
            self.answer({"oidcToken": system.token(iss=ISSUER, sub=subject, aud=AUDIENCE)})

        def asked(self, name: str) -> str:
            return parse_qs(urlsplit(self.path).query)[name][0]

        def answer(self, body: dict) -> None:
            allowed = self.headers["Authorization"] == f"Bearer {BEARER}"
            self.send_response(200 if allowed else 401)
            self.end_headers()
            self.wfile.write(json.dumps(body if allowed else {}).encode())

        def log_message(self, *given) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Issuer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def world(system) -> dict:
    trusted = [{"issuer": ISSUER, "subject": each, "public_key": system.public_key_pem} for each in SUBJECTS]
    return {**WORLD, "entra": {**WORLD["entra"], "federated_credentials": trusted}}


@pytest.fixture(scope="module")
def started(world):
    with running(world) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(started, world) -> Running:
    started.load(world)
    return started


@pytest.fixture
def reported(tmp_path) -> Path:
    folder = tmp_path / "told"
    folder.mkdir()
    return folder


@pytest.fixture
def runner(request, sandbox, system, issuer, reported, tmp_path, private_directory) -> Runner:
    """A runner of the system that the test is for. It has no secret of the app."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, script in {**STUBS, "python": f'exec {sys.executable} "$@"'}.items():
        note = f'echo "$@" >> "$REPORTED/{name}"\n' if name in STUBS else ""
        (programs / name).write_text(f"#!/bin/sh\n{note}{script}\n")
        (programs / name).chmod(0o755)
    machine = {
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "PATH": f"{programs}:{Path(sys.executable).parent}:/usr/bin:/bin",
        "REPORTED": str(reported),
        "ANSIBLE_COLLECTIONS_PATH": str(BUILD / "installed"),
        "XDG_RUNTIME_DIR": str(private_directory),
        "GITHUB_STEP_SUMMARY": str(reported / "summary.md"),
        **{name: sandbox.env[name] for name in ("AZURE_AUTHORITY_HOST", "GRAPH_URL", "REQUESTS_CA_BUNDLE")},
    }
    values = {
        "github.token": "of-the-repository",
        "github.repository": "msp/contacts",
        "github.event.pull_request.number": "7",
        "System.AccessToken": BEARER,
        "Pipeline.Workspace": str(tmp_path),
        "CI_PROJECT_DIR": str(tmp_path),
        "issuer": issuer,
        "bearer": BEARER,
        f"token for {AUDIENCE}": system.token(iss=ISSUER, sub=SUBJECTS[2], aud=AUDIENCE),
    }

    def lookup(expression: str) -> str:
        """The value of an expression: a secret or variable that was set up, or what the system knows."""
        name = expression.removeprefix("secrets.").removeprefix("vars.")
        return values[name] if name in values else sandbox.env[name]

    home = tmp_path / "jobs"
    home.mkdir()
    return Runner(request.param, home, machine, lookup)


def of(*systems: str):
    return pytest.mark.parametrize("runner", systems, indirect=True)


def writes(sandbox: Running) -> int:
    return sum(map(is_write, sandbox.requests()))


def example(folder: Path, *hosts: str) -> Path:
    """The example repository with some of its clients."""
    for path in tracked("docs/examples/**"):
        if path.parent.name != "host_vars" or path.stem in hosts:
            copy = folder / path.relative_to(EXAMPLES)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    (folder / "inventory" / "hosts.yml").write_text(json.dumps({"clients": {"hosts": dict.fromkeys(hosts)}}))
    return folder


def edited(sandbox: Running, ident: int, **values) -> None:
    """A technician has edited a contact."""
    world = sandbox.state()
    (contact,) = (each for each in world["itglue"]["contacts"] if each["id"] == ident)
    contact.update(values)
    sandbox.load(world)


@of(*by_day(tuple(SYSTEMS), 3, 0))
def test_what_was_shown_is_applied_and_drift_fails(runner, sandbox, reported, tmp_path):
    repository = example(tmp_path / "repository", "happy_frog")

    checked = runner("check", example=repository)
    assert not checked.failed, checked.output
    assert writes(sandbox) == 0
    assert (checked.folder / "plans" / "happy_frog.plan.json").is_file()
    assert "Preview: nothing was written" in (checked.folder / "report" / "sync_report.md").read_text()
    assert not any(sandbox.env[name] in checked.output for name in ("ITGLUE_API_KEY", "BMS_PASSWORD"))

    before = len(sandbox.state()["bms"]["contacts"])
    applied = runner("apply", example=repository)
    assert not applied.failed, applied.output
    assert "not applied" not in applied.output
    assert (applied.folder / "journals" / "happy_frog.journal").is_file()
    assert len(sandbox.state()["bms"]["contacts"]) > before

    sandbox.clear_requests()
    if runner.system == "github":
        quiet = runner("drift", example=repository)
        assert not quiet.failed, quiet.output
    edited(sandbox, 1104, title="Edited by hand")
    common = repository / "inventory" / "group_vars" / "clients.yml"
    common.write_text(common.read_text().replace("email_type: Work", "email_type: Home"))
    drifted = runner("drift", example=repository)
    assert drifted.failed
    message = " ".join(drifted.output.split())
    assert "Drift: BMS Sync Settings of " in message
    assert " is not set, declared " in message or ', declared "' in message
    assert "are not up to date. IT Glue: " in message
    assert writes(sandbox) == 0
    report = json.loads((drifted.folder / "report" / "sync_report.json").read_text())
    totals = report["totals"]
    assert (totals["actions"]["update"], totals["settings"], totals["tenants_failed"]) == (1, 1, 0)

    shown = (checked.folder / "report" / "sync_report.md").read_text()
    match runner.system:
        case "github":
            assert (reported / "summary.md").read_text().startswith(shown)
            assert (reported / "comment.md").read_text() == shown
            assert (reported / "gh").read_text().startswith("pr comment 7 --edit-last --create-if-none")
        case "gitlab":
            assert (drifted.folder / "report" / "sync_report.junit.xml").is_file()
        case "azure":
            assert f"##vso[task.uploadsummary]{drifted.folder}/report/sync_report.md" in drifted.output
    assert "--requirement requirements.txt" in (reported / "pip").read_text()
    assert "--requirements-file requirements.yml" in (reported / "ansible-galaxy").read_text()


@of("github")
def test_a_client_that_fails_does_not_stop_the_others(runner, sandbox):
    world = sandbox.state()
    (frog,) = (each for each in world["entra"]["tenants"] if each["display_name"] == "Happy Frog")
    frog["consent"] = False
    sandbox.load(world)

    checked = runner("check")
    assert checked.failed
    assert {path.name for path in (checked.folder / "plans").iterdir()} == {f"{host}.plan.json" for host in HOSTS[1:]}
    assert "adminconsent" in (checked.folder / "report" / "sync_report.md").read_text()

    applied = runner("apply")
    assert applied.failed
    state = sandbox.state()
    organizations = {each["id"]: each["name"] for each in state["itglue"]["organizations"]}
    made = state["itglue"]["contacts"][len(WORLD["itglue"]["contacts"]) :]
    assert {organizations[each["organization-id"]] for each in made} == {"Müller & Söhne GmbH", "Sakura Design"}


def test_drift_is_never_looked_for_without_check_mode(sandbox):
    done = run(sandbox, "ansible-playbook", "msp.psa_sync.drift", cwd=EXAMPLES)
    assert done.returncode != 0
    assert "This playbook compares in check mode. Run it with --check." in done.stdout
    assert sandbox.requests() == []
