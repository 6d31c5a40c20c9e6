# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The questions of a probe to Microsoft Graph: reads only."""

from __future__ import annotations

from dataclasses import dataclass

from .._clients.decoding import Reader
from .._engine import probing as judge
from .._engine.errors import PermissionDeniedError
from .._engine.probing import Judgement, unknown
from .probe_answers import Answers, ProbedGraph, granted

_LARGEST_PAGE = 999


@dataclass(slots=True)
class GraphQuestions:
    """The questions about one Microsoft tenant."""

    graph: ProbedGraph
    answers: Answers

    def answer_reads(self) -> None:
        """Answer all of them."""
        answer, graph = self.answers.answer, self.graph
        answer("graph_page_limit", self._page_limit)
        answer("graph_deleted_users", self._deleted_users)
        answer("graph_groups", lambda: granted(self._some_group, "Groups"))
        answer("graph_group_members", self._group_members)
        answer("graph_domains", lambda: granted(graph.verified_domains, "The verified domains"))
        answer("graph_contracts", self._contracts)

    def _page_limit(self) -> Judgement:
        body = self.graph.raw("/v1.0/users", {"$select": "id", "$top": _LARGEST_PAGE}, "User.Read.All")
        rows = Reader("graph", "GET /users").rows(body.get("value"), "value")
        return judge.graph_page(len(rows), bool(body.get("@odata.nextLink")))

    def _deleted_users(self) -> Judgement:
        path = "/v1.0/directory/deletedItems/microsoft.graph.user"
        return granted(lambda: self.graph.raw(path, {"$select": "id", "$top": 1}, "User.Read.All"), "Deleted users")

    def _some_group(self) -> str | None:
        body = self.graph.raw("/v1.0/groups", {"$select": "id", "$top": 1}, "Group.Read.All")
        rows = Reader("graph", "GET /groups").rows(body.get("value"), "value")
        return str(rows[0].get("id")) if rows else None

    def _group_members(self) -> Judgement:
        try:
            group = self._some_group()
        except PermissionDeniedError:
            group = None
        if group is None:
            return unknown("There is no group whose members could be asked for.")
        path = f"/v1.0/groups/{group}/transitiveMembers/microsoft.graph.user"
        params = {"$select": "id", "$top": 1, "$count": "true"}
        return granted(
            lambda: self.graph.raw(path, params, "GroupMember.Read.All", advanced=True), "The members of a group"
        )

    def _contracts(self) -> Judgement:
        return granted(
            lambda: self.graph.raw("/v1.0/contracts", {"$select": "id"}, "Directory.Read.All"),
            "The partner's client tenants",
        )
