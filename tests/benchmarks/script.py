# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plain script: the requests of a run once more, and nothing else.

`python -m tests.benchmarks.script REQUESTS.json THREADS` takes what the sandbox noted of a run
that wrote nothing. Each thread keeps its connections alive and decodes what is answered: whoever
asks the services the same can hardly take less.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests

Noted = Mapping[str, Any]

URLS = {"graph": "GRAPH_URL", "itglue": "ITGLUE_URL", "bms": "BMS_URL"}
TOKEN, LOGIN = "/oauth2/v2.0/token", "/v2/security/authenticate"


def chains(noted: Sequence[Noted]) -> list[list[Noted]]:
    """The requests as so many jobs as there are tenants: a token is good for its own tenant only.

    Requests of Graph do not show their tenant, but each tenant is asked the same; the others are
    dealt out in turn, since any order will do for them.
    """
    logins = [each for each in noted if each["service"] == "graph" and not each["path"].startswith("/v1.0/")]
    reads = [each for each in noted if each["service"] == "graph" and each["path"].startswith("/v1.0/")]
    tenants: dict[str, list[Noted]] = {}
    for each in logins:
        tenants.setdefault(each["path"].split("/")[1], []).append(each)
    jobs = list(tenants.values())
    by_path: dict[str, list[Noted]] = {}
    for each in reads:
        by_path.setdefault(each["path"], []).append(each)
    for same in by_path.values():
        for number, each in enumerate(same):
            jobs[number % len(jobs)].append(each)
    others = [each for each in noted if each["service"] != "graph" and not each["path"].startswith(LOGIN)]
    for number, job in enumerate(jobs):
        job.extend(others[number * len(others) // len(jobs) : (number + 1) * len(others) // len(jobs)])
    return jobs


class Script:
    def __init__(self) -> None:
        self._own = threading.local()
        self._env = os.environ
        self._bms: dict[str, str] = {}

    def log_in_to_bms(self) -> None:
        form = {"GrantType": "password", "Tenant": self._env["BMS_COMPANY"]}
        form |= {"UserName": self._env["BMS_USERNAME"], "Password": self._env["BMS_PASSWORD"]}
        body = self._send("bms", "POST", LOGIN, {}, files={name: (None, value) for name, value in form.items()})
        self._bms = {"Authorization": f"Bearer {body['result']['accessToken']}"}

    def run(self, job: Sequence[Noted]) -> None:
        graph: dict[str, str] = {}
        for each in job:
            service, path = each["service"], each["path"]
            if path.endswith(TOKEN):
                form = {"grant_type": "client_credentials", "scope": f"{self._env['GRAPH_URL']}/.default"}
                form |= {"client_id": self._env["AZURE_CLIENT_ID"], "client_secret": self._env["AZURE_CLIENT_SECRET"]}
                body = self._send(service, "POST", path, {}, data=form)
                graph = {"Authorization": f"Bearer {body['access_token']}"}
            else:
                headers = {"graph": graph, "bms": self._bms, "itglue": {"x-api-key": self._env["ITGLUE_API_KEY"]}}
                self._send(service, each["method"], path, headers[service])

    def _send(self, service: str, method: str, path: str, headers: Mapping[str, str], **body: Any) -> Any:
        answer = self._session.request(method, self._env[URLS[service]] + path, headers=headers, timeout=60, **body)
        answer.raise_for_status()
        return answer.json()

    @property
    def _session(self) -> requests.Session:
        if not hasattr(self._own, "session"):
            self._own.session = requests.Session()
            self._own.session.trust_env = False
            self._own.session.verify = self._env["REQUESTS_CA_BUNDLE"]
        return self._own.session


def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as file:
        noted = json.load(file)
    script = Script()
    if any(each["path"].startswith(LOGIN) for each in noted):
        script.log_in_to_bms()
    with ThreadPoolExecutor(int(sys.argv[2])) as pool:
        list(pool.map(script.run, chains(noted)))


if __name__ == "__main__":
    main()
