/*
 * Copyright (c) 2026, The msp.psa_sync authors
 * GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

/* The tables of the report. TanStack Table filters, sorts and pages; this file draws the page that is
   asked for. All text goes in as text, never as HTML. */
(function () {
  "use strict";

  const PAGE_SIZES = [25, 100, 250];
  const TYPING_PAUSE = 150;

  const data = JSON.parse(document.getElementById("data").textContent);
  const labels = data.labels;
  const tenants = records(data.tenants);
  const people = records(data.people);
  const conflicts = records(data.conflicts);
  const departed = records(data.departed);
  const reverted = records(data.reverted);
  const severities = Object.keys(labels.tenant);
  const severalTenants = tenants.length > 1;

  // ------------------------------------------------------------------ helpers

  /** Rows of values with their fields, as objects. */
  function records(table) {
    return table.rows.map((row) => Object.fromEntries(table.fields.map((field, place) => [field, row[place]])));
  }

  function label(kind, value) {
    return labels[kind][value] || String(value);
  }

  function tenantName(entry) {
    return tenants[entry.tenant].name;
  }

  function number(value) {
    return value.toLocaleString("en");
  }

  /** An element with attributes and children; strings become text. */
  function make(tag, attributes, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (name === "on") {
        for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
      } else if (value !== null && value !== undefined && value !== false) {
        element.setAttribute(name, value === true ? "" : value);
      }
    }
    element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
    return element;
  }

  function chip(kind, value) {
    return value ? make("span", { class: `chip ${kind}-${value}` }, icon(value), label(kind, value)) : "";
  }

  /** A control below its label. */
  function field(title, control, look = "field") {
    return make("div", { class: look }, make("label", { for: control.id }, title), control);
  }

  /** A list of terms and what they are; those without are left out. */
  function facts(pairs) {
    return make(
      "dl",
      { class: "pairs" },
      pairs
        .filter(([, value]) => (Array.isArray(value) ? value.length : value))
        .map(([term, value]) => [make("dt", {}, term), make("dd", {}, value)]),
    );
  }

  function ids(list) {
    return list.join(", ");
  }

  /** Text with places where a line may break: behind the given signs, never within a word. */
  function breakable(text, behind = /(?<=[@.])(?=\S)/) {
    const parts = String(text || "").split(behind);
    return parts.flatMap((part, place) => (place ? [make("wbr", {}), part] : [part]));
  }

  // Addresses that a message may lead to: those of the services, and nothing that somebody else has put there.
  const KNOWN = /^https:\/\/(?:login\.microsoftonline\.(?:com|us)|login\.partner\.microsoftonline\.cn|entra\.microsoft\.com|(?:[\w-]+\.)+itglue\.com|(?:[\w-]+\.)*kaseya\.com|(?:[\w-]+\.)*vorex\.com)(?:[/?#]|$)/i;

  function link(url, text) {
    return make("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, text,
      make("span", { class: "unseen" }, " (opens a new tab)"));
  }

  /** A message whose addresses of known services can be clicked. */
  function linked(text) {
    return String(text).split(/(https:\/\/[^\s'"<>]*[^\s'"<>.,;:!?)\]])/).map((part, place) =>
      place % 2 === 0 ? part : KNOWN.test(part) ? link(part, breakable(part, /(?<=[/?&=-])(?=\S)/)) : breakable(part, /(?<=\/)(?=\S)/));
  }

  /** A person or contact by name, with the address below. */
  function who(name, address) {
    if (!name || name === address) return make("span", { class: "who" }, breakable(address));
    return make("span", { class: "who" }, make("strong", {}, name), " ", make("span", { class: "address" }, breakable(address)));
  }

  function icon(state) {
    return data.icons[state] ? make("span", { class: "icon", "aria-hidden": "true" }, data.icons[state]) : "";
  }

  function say(text) {
    document.getElementById("said").textContent = text;
  }

  // ---------------------------------------------------------------- one table

  /**
   * A table with search, filters, sorting, pages and rows that open.
   *
   * columns: {id, title, value(entry), cell(entry)?, numeric?}; the first holds the button that opens.
   * filters: {id, title, values(entry) -> list, name(value)?}.
   */
  function build(options) {
    const { id, entries, columns, filters, search, detail, noun, none } = options;
    const place = document.querySelector(`#${id} .table`);
    if (!entries.length) {
      place.append(make("p", { class: "none" }, none));
      return null;
    }
    const texts = new Map();
    const opened = new Set();

    function textOf(entry) {
      if (!texts.has(entry)) texts.set(entry, search(entry).filter(Boolean).join("\n").toLowerCase());
      return texts.get(entry);
    }

    const column0Extra = columns[0].below || (() => "");

    let state;
    const table = TableCore.createTable({
      data: entries,
      columns: [
        ...columns.map((column) => ({
          id: column.id,
          accessorFn: column.value,
          enableColumnFilter: false,
          sortingFn: column.numeric ? "basic" : column.sorting || "text",
          sortUndefined: "last",
        })),
        ...filters.map((filter) => ({
          id: `filter-${filter.id}`,
          accessorFn: filter.values,
          enableSorting: false,
          filterFn: (row, columnId, value) => row.getValue(columnId).includes(value),
        })),
      ],
      state: {},
      onStateChange: () => {},
      renderFallbackValue: null,
      autoResetPageIndex: false,
      getColumnCanGlobalFilter: (column) => column.id === columns[0].id,
      globalFilterFn: (row, columnId, words) => words.every((word) => textOf(row.original).includes(word)),
      getCoreRowModel: TableCore.getCoreRowModel(),
      getFilteredRowModel: TableCore.getFilteredRowModel(),
      getSortedRowModel: TableCore.getSortedRowModel(),
      getPaginationRowModel: TableCore.getPaginationRowModel(),
    });
    state = { ...table.initialState, pagination: { pageIndex: 0, pageSize: PAGE_SIZES[0] } };
    table.setOptions((before) => ({
      ...before,
      state,
      onStateChange(updater) {
        state = typeof updater === "function" ? updater(state) : updater;
        table.setOptions((old) => ({ ...old, state }));
      },
    }));

    // What can be chosen in a filter, with how often it occurs.
    function choices(filter) {
      const counts = new Map();
      for (const entry of entries) {
        for (const value of filter.values(entry)) counts.set(value, (counts.get(value) || 0) + 1);
      }
      const name = filter.name || String;
      const found = [...counts].map(([value, count]) => ({ value, count, name: name(value) }));
      const order = filter.order || [];
      return found.sort((one, other) => order.indexOf(one.value) - order.indexOf(other.value) || one.name.localeCompare(other.name));
    }

    const selects = new Map();
    const shownFilters = filters
      .map((filter) => ({ filter, found: choices(filter) }))
      .filter(({ found, filter }) => filter.always || found.length > 1 || (found.length === 1 && found[0].count < entries.length))
      .filter(({ found }) => found.length);

    function control({ filter, found }) {
      const select = make(
        "select",
        {
          id: `${id}-${filter.id}`,
          on: {
            change: () => {
              const chosen = select.value === "" ? undefined : found[Number(select.value)].value;
              table.getColumn(`filter-${filter.id}`).setFilterValue(chosen);
              fromTheStart();
            },
          },
        },
        make("option", { value: "" }, "all"),
        found.map((choice, index) => make("option", { value: index }, `${choice.name} (${number(choice.count)})`)),
      );
      selects.set(filter.id, { select, found });
      return field(filter.title, select);
    }

    let typing;
    const input = make("input", {
      type: "search",
      id: `${id}-search`,
      autocomplete: "off",
      spellcheck: "false",
      on: {
        input: () => {
          clearTimeout(typing);
          typing = setTimeout(() => {
            const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
            table.setGlobalFilter(words.length ? words : undefined);
            fromTheStart();
          }, TYPING_PAUSE);
        },
      },
    });

    const head = make("tr", { role: "row" });
    const heads = columns.map((column) => {
      const button = make(
        "button",
        {
          type: "button",
          on: {
            click: () => {
              table.getColumn(column.id).toggleSorting();
              fromTheStart();
            },
          },
        },
        column.title,
        make("span", { class: "arrow", "aria-hidden": "true" }),
      );
      const cell = make("th", { role: "columnheader", scope: "col", class: column.numeric ? "number" : null }, button);
      head.append(cell);
      return { column, cell };
    });
    const body = make("tbody", { role: "rowgroup" });
    const counter = make("p", { class: "counter", id: `${id}-counter` });
    const pager = make("div", { class: "pager" });
    const reset = make("button", { type: "button", class: "plain", hidden: true, on: { click: clear } }, "Show all");
    place.append(
      make(
        "div",
        { class: "controls", role: "search", "aria-label": `Find among: ${options.title}` },
        field("Search", input, "field grow"),
        shownFilters.map(control),
        reset,
      ),
      counter,
      make(
        "div",
        { class: "scroll" },
        make(
          "table",
          { role: "table", "aria-describedby": `${id}-counter` },
          make("caption", { class: "unseen" }, options.title),
          make("thead", { role: "rowgroup" }, head),
          body,
        ),
      ),
      pager,
    );

    function clear() {
      input.value = "";
      for (const { select } of selects.values()) select.value = "";
      table.resetGlobalFilter(true);
      table.resetColumnFilters(true);
      fromTheStart();
      input.focus();
    }

    function fromTheStart() {
      table.setPageIndex(0);
      draw();
      say(counter.textContent);
    }

    function row(entry, index) {
      const detailId = `${id}-detail-${index}`;
      const button = make("button", { type: "button", class: "opener", "aria-controls": detailId });
      const drawn = make("tr", { role: "row" });
      const [first, ...others] = columns;
      button.append(make("span", { class: "twist", "aria-hidden": "true" }), first.cell ? first.cell(entry) : first.value(entry));
      drawn.append(make("td", { role: "cell", class: "first" }, button, column0Extra(entry)));
      for (const column of others) {
        const content = column.cell ? column.cell(entry) : column.numeric ? number(column.value(entry)) : column.value(entry);
        const look = column.numeric ? (column.value(entry) ? "number" : "number zero") : column.look;
        drawn.append(make("td", { role: "cell", class: look, "data-title": column.title }, content));
      }
      const below = make("tr", { role: "row", id: detailId, class: "detail" });
      function show() {
        const open = opened.has(entry);
        button.setAttribute("aria-expanded", String(open));
        below.hidden = !open;
        below.replaceChildren(open ? make("td", { role: "cell", colspan: columns.length }, detail(entry)) : "");
      }
      button.addEventListener("click", () => {
        if (!opened.delete(entry)) opened.add(entry);
        show();
      });
      show();
      return [drawn, below];
    }

    function draw() {
      const found = table.getFilteredRowModel().rows.length;
      const rows = table.getRowModel().rows;
      const { pageIndex, pageSize } = state.pagination;
      for (const { column, cell } of heads) {
        const sorted = table.getColumn(column.id).getIsSorted();
        cell.setAttribute("aria-sort", sorted ? (sorted === "asc" ? "ascending" : "descending") : "none");
      }
      body.replaceChildren(...rows.flatMap((each, index) => row(each.original, index)));
      const from = pageIndex * pageSize + 1;
      const range = found > rows.length ? `, ${number(from)} to ${number(from + rows.length - 1)} shown` : "";
      const of = found < entries.length ? ` of ${number(entries.length)}` : "";
      counter.textContent = `${number(found)}${of} ${entries.length === 1 ? noun[0] : noun[1]}${range}`;
      reset.hidden = found === entries.length && !state.globalFilter && !state.columnFilters.length;
      drawPager(found);
    }

    function turn(text, index, enabled) {
      const button = make("button", { type: "button", disabled: !enabled }, text);
      button.addEventListener("click", () => {
        table.setPageIndex(index);
        draw();
        say(counter.textContent);
        place.scrollIntoView({ block: "start" });
        const again = [...pager.querySelectorAll("button")].find((each) => each.textContent === text);
        if (again && !again.disabled) again.focus({ preventScroll: true });
      });
      return button;
    }

    function drawPager(found) {
      const { pageIndex, pageSize } = state.pagination;
      const last = Math.max(0, Math.ceil(found / pageSize) - 1);
      pager.hidden = entries.length <= PAGE_SIZES[0];
      if (pager.hidden) return;
      const size = make(
        "select",
        {
          id: `${id}-size`,
          on: {
            change: () => {
              table.setPageSize(Number(size.value));
              fromTheStart();
              pager.querySelector("select").focus();
            },
          },
        },
        PAGE_SIZES.map((each) => make("option", { value: each, selected: each === pageSize }, String(each))),
      );
      pager.replaceChildren(
        turn("First", 0, pageIndex > 0),
        turn("Back", pageIndex - 1, pageIndex > 0),
        make("span", {}, `Page ${number(pageIndex + 1)} of ${number(last + 1)}`),
        turn("Next", pageIndex + 1, pageIndex < last),
        turn("Last", last, pageIndex < last),
        make("label", { for: size.id }, "Rows"),
        size,
      );
    }

    draw();
    return {
      /** Set one filter to a value and everything else to all. */
      only(filterId, value) {
        clear();
        const chosen = selects.get(filterId);
        if (chosen) {
          const place = chosen.found.findIndex((choice) => choice.value === value);
          chosen.select.value = place < 0 ? "" : String(place);
          chosen.select.dispatchEvent(new Event("change"));
          chosen.select.focus({ preventScroll: true });
        }
        place.parentElement.scrollIntoView();
      },
    };
  }

  // ------------------------------------------------------------- what opens

  /** Fields before and after, side by side; what differs is marked. */
  function sideBySide(changes, titles) {
    function side(own, other, mark) {
      if (!own.length) return make("span", { class: "quiet" }, "(empty)");
      return make("ul", { class: "lines" }, own.map((line) => {
        if (other.includes(line)) return make("li", {}, line);
        return make("li", {}, make(mark, {}, make("span", { class: "unseen" }, mark === "del" ? "removed: " : "added: "), line));
      }));
    }
    return make(
      "table",
      { class: "changes" },
      make("caption", { class: "unseen" }, "Before and after"),
      make("thead", {}, make("tr", {}, ["Field", ...titles].map((title) => make("th", { scope: "col" }, title)))),
      make(
        "tbody",
        {},
        changes.map(([field, before, after]) =>
          make(
            "tr",
            {},
            make("th", { scope: "row" }, label("field", field)),
            make("td", { "data-title": titles[0] }, side(before, after, "del")),
            make("td", { "data-title": titles[1] }, side(after, before, "ins")),
          ),
        ),
      ),
    );
  }

  /** A list of the client's contact in each service, with the link where it is known. */
  function places(entry) {
    return [
      ["IT Glue contact", entry.contact && (entry.url ? link(entry.url, `${entry.contact}, open in IT Glue`) : String(entry.contact))],
      ["BMS contact", entry.bms && String(entry.bms)],
    ];
  }

  function ofPerson(entry) {
    return [
      overLimit(entry),
      facts([
        ["Why", entry.reason ? linked(entry.reason) : found(entry)],
        ["What to do", entry.hint !== null && linked(data.texts[entry.hint])],
        ["Passes", passes(entry)],
        ["Not ready for BMS, lacks", entry.missing.map((each) => label("missing", each)).join(", ")],
        ["Locked in IT Glue", ids(entry.locked)],
        ["Not applied", ids(entry.unapplied)],
        ["Matched by", entry.matched && label("rule", entry.matched)],
        ["Username", breakable(entry.user)],
        ...places(entry),
      ]),
      entry.changes.length
        ? sideBySide(entry.changes, ["Before", "After"])
        : make("p", { class: "quiet" }, "No field of the contact changes."),
    ];
  }

  /** Why somebody without a reason is where it is: what the passes found. */
  function found(entry) {
    if (entry.action === "create") return "No contact of the client holds one of the addresses or the username, or bears the same names.";
    if (entry.matched === "name") return "No contact holds one of the addresses; one bears the same first and last name.";
    if (entry.matched === "override") return "match_overrides pairs the user with this contact.";
    return entry.matched ? "The user and the contact share an address that nobody else has." : "";
  }

  const PASSES = ["alias", "username", "name"];
  const withheldKind = data.kinds.indexOf("Hit withheld");

  /** The conflict in IT Glue of a person, if there is one. */
  function conflictOf(entry) {
    return conflicts.find((each) => each.tenant === entry.tenant && each.option === "sync_match_overrides" && each.users.includes(entry.user));
  }

  /** The passes of matching, each with what it found, and what withheld a hit. */
  function passes(entry) {
    if (entry.matched === "override") return `none: match_overrides names contact ${entry.contact || "new"}`;
    if (!entry.matched && !["create", "conflict"].includes(entry.action)) return "";
    const clash = entry.action === "conflict" && conflictOf(entry);
    const beside = clash && (clash.rule === "primary_email" || clash.question === "The same person, or a namesake?");
    const decided = PASSES.indexOf(entry.matched || (clash && !beside ? clash.rule : ""));
    const lines = PASSES.map((rule, place) => {
      const name = label("rule", rule);
      if (decided >= 0 && place > decided) return `${name}: not needed`;
      if (place !== decided) return `${name}: no match`;
      return entry.matched ? `${name}: contact ${entry.contact}, match` : `${name}: hits ${ids(clash.contacts)}, conflict`;
    });
    if (entry.kinds.includes(withheldKind)) lines.push("withheld: a contact that shares an address, see Why");
    if (beside) lines.push(`new contact: would stand beside ${ids(clash.contacts)}, conflict`);
    return make("ol", { class: "passes" }, lines.map((each) => make("li", {}, each)));
  }

  function ofRun(run) {
    const mode = run.preview ? "preview" : "real run";
    const remark = run.counted ? "" : ", not counted as the real run followed";
    return make(
      "div",
      { class: "run" },
      make("h3", {}, `${run.task} `, chip("status", run.status)),
      run.message ? make("p", { class: "note" }, linked(run.message)) : "",
      run.limits.map((each) => make("p", { class: "note" }, `Limit exceeded: ${each}.`)),
      facts([
        ["Mode", `${mode}${remark}`],
        ["Excluded", run.excluded],
        ["Matched by", run.matched],
        ["In IT Glue", run.actions],
        ["In BMS", run.push],
        ["Departed", run.departed],
        ["Reverted", run.reverted],
        ["Requests", run.requests],
        ["Took", run.duration],
        ["Host", run.host],
        ["Failure", run.ignored ? "ignored by the playbook" : ""],
        ["Warnings", run.warnings.length ? make("ul", {}, run.warnings.map((each) => make("li", {}, linked(each)))) : ""],
      ]),
      ofSettings(run),
    );
  }

  /** Settings before and after; those that are stored for the first time fold into a line. */
  function ofSettings(run) {
    if (!run.settings.length) return "";
    const changed = sideBySide(run.settings, ["Before", "After"]);
    if (!run.first) return changed;
    return make("details", {}, make("summary", {}, `${run.settings.length} settings are stored for the first time`), changed);
  }

  let peopleTable = null;

  function ofTenant(entry) {
    const place = tenants.indexOf(entry);
    const some = people.some((each) => each.tenant === place);
    const show = make("button", { type: "button", class: "plain", on: { click: () => peopleTable.only("tenant", place) } },
      "Show the people of this client");
    return [
      facts([
        ["IT Glue organization", entry.organization && String(entry.organization)],
        ["Microsoft tenant", entry.tenant],
      ]),
      entry.runs.map(ofRun),
      some && severalTenants ? show : "",
    ];
  }

  // ------------------------------------------------------------- conflicts

  function fold(text) {
    return String(text || "").trim().toLowerCase();
  }

  /** The values that people and candidates of a conflict share: folded addresses and names. */
  function shared(entry) {
    const mine = (cards, values) => new Set(cards.flatMap((card) => values(card).map(fold)).filter(Boolean));
    const both = (values) => {
      const theirs = mine(entry.candidates, values);
      const several = (cards) => {
        const all = cards.flatMap((card) => [...new Set(values(card).map(fold))]);
        return all.filter((value, place) => value && all.indexOf(value) !== place);
      };
      const common = [...mine(entry.people, values)].filter((value) => theirs.has(value));
      return new Set([...common, ...several(entry.people), ...several(entry.candidates)]);
    };
    return { addresses: both((card) => card.emails), names: both((card) => [card.name]) };
  }

  function marked(text, set) {
    if (!set.has(fold(text))) return breakable(text);
    return make("mark", {}, make("span", { class: "icon", "aria-hidden": "true" }, "●"), make("span", { class: "unseen" }, "shared: "), breakable(text));
  }

  function card(each, common) {
    const state = each.kind === "IT Glue contact"
      ? { true: "linked to BMS", false: "not linked to BMS" }[String(each.linked)] || "link not known"
      : each.kind === "BMS contact" ? (each.active ? "active" : "inactive") : "";
    return make(
      "li",
      { class: each.kind === "user" ? "card user" : "card" },
      make("p", { class: "kind" }, each.kind === "user" ? "Microsoft 365 user" : `${each.kind} ${each.id}`, state ? make("span", { class: "chip" }, state) : ""),
      make("p", { class: "name" }, marked(each.name || "(no name)", common.names)),
      make("ul", { class: "lines" }, each.emails.map((value) => make("li", {}, marked(value, common.addresses)))),
      each.url ? make("p", {}, link(each.url, "Open in IT Glue")) : "",
    );
  }

  /** An answer as the person who decides reads it. */
  function answerText(entry, answer) {
    if (answer === "new") return "new: somebody else, create a contact";
    if (answer === "ignore") return "ignore: exclude the user";
    const known = entry.candidates.find((each) => each.id === answer);
    return known ? `${answer}: ${known.name || known.emails[0] || known.kind}` : String(answer);
  }

  function ofConflict(entry) {
    const common = shared(entry);
    const cards = [...entry.people, ...entry.candidates];
    const sideOn = cards.length
      ? make("ul", { class: "cards" }, cards.map((each) => card(each, common)))
      : facts([
          ["Users", make("ul", {}, entry.users.map((each) => make("li", {}, breakable(each))))],
          ["IT Glue contacts", ids(entry.contacts)],
          ["BMS contacts", ids(entry.bms)],
        ]);
    return [sideOn, ...answers(entry)];
  }

  /** A choice for each user, and the lines for the inventory that come of it. */
  function answers(entry) {
    const users = Object.keys(entry.answers);
    if (!users.length && !Object.keys(entry.suggestion).length) {
      return [make("p", { class: "note" }, "No answer can be given in the inventory: correct or merge the contacts.")];
    }
    const chosen = new Map(Object.entries(entry.suggestion));
    const text = make("code", {});
    const block = make("pre", { tabindex: "0", "aria-label": `Lines for ${entry.option}` }, text);
    const button = make("button", { type: "button", on: { click: () => copy(text.textContent, text, button) } }, "Copy");
    const lines = make("div", { class: "yaml" }, block, button);
    const note = make("p", { class: "quiet" });
    function draw() {
      const rows = [...chosen].map(([user, answer]) => `  ${key(user)}: ${answer}`);
      text.textContent = rows.length ? `${entry.option}:\n${rows.join("\n")}\n` : "";
      lines.hidden = !rows.length;
      note.textContent = rows.length
        ? `Paste this into the variables of the client, such as host_vars/${entry.host}.yml.${Object.keys(entry.suggestion).length ? " What is suggested has to be checked first." : ""}`
        : "Nothing is suggested: only somebody who knows the people can choose.";
      button.textContent = "Copy";
    }
    const selects = users.map((user) => {
      const id = `answer-${serial++}`;
      const select = make("select", { id, on: { change: () => {
        if (select.value === "") chosen.delete(user); else chosen.set(user, entry.answers[user][Number(select.value)]);
        draw();
      } } },
      make("option", { value: "" }, "not decided"),
      entry.answers[user].map((answer, place) => make("option", { value: place, selected: chosen.get(user) === answer }, answerText(entry, answer))));
      const person = entry.people.find((each) => each.user === user);
      return field(person && person.name ? `${person.name}, ${user}` : user, select);
    });
    draw();
    return [make("div", { class: "controls answers" }, selects), note, lines];
  }

  let serial = 0;

  /** A key of YAML, in quotes unless it is surely plain. */
  function key(text) {
    return /^[a-z0-9][a-z0-9._+-]*@[a-z0-9.-]*[a-z0-9]$/i.test(text) ? text : JSON.stringify(text);
  }

  async function copy(words, element, button) {
    let done = false;
    try {
      await navigator.clipboard.writeText(words);
      done = true;
    } catch (dummy) {
      const range = document.createRange();
      range.selectNodeContents(element);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      done = document.execCommand("copy");
    }
    button.textContent = done ? "Copied" : "Press Ctrl+C";
    say(done ? "Copied to the clipboard" : "Selected; press Ctrl+C to copy");
  }

  function overLimit(entry) {
    return entry.over ? make("p", { class: "note" }, "The client is over a limit: nothing of this is carried out.") : "";
  }

  function ofDeparted(entry) {
    return [
      overLimit(entry),
      facts([
        ["Why", linked(entry.reason)],
        ...places(entry),
        ["Known because", entry.evidence],
        ["Locked in IT Glue", ids(entry.locked)],
        ["Addresses", entry.addresses.length ? make("ul", {}, entry.addresses.map((each) => make("li", {}, breakable(each)))) : ""],
      ]),
      entry.changes.length ? sideBySide(entry.changes, ["Before", "After"]) : "",
    ];
  }

  function ofReverted(entry) {
    return [
      entry.reason ? make("p", { class: "note" }, linked(entry.reason)) : "",
      facts([
        ["Contact", `${label("service", entry.service)} ${entry.contact || "(which one is not known)"}`],
        ["Stays as it is", entry.state === "not_reverted" && (entry.fields.map((each) => label("field", each)).join(", ") || "the whole contact")],
      ]),
      entry.changes.length ? sideBySide(entry.changes, ["What was there", "Restored"]) : "",
    ];
  }

  // --------------------------------------------------------------- the tables

  const byTenant = { id: "tenant", title: "Client", values: (entry) => [entry.tenant], name: (place) => tenants[place].name };
  const tenantColumn = { id: "tenant", title: "Client", value: tenantName, look: "client" };
  const ifSeveral = (column) => (severalTenants ? [column] : []);
  const tables = {};

  const SVG = "http://www.w3.org/2000/svg";

  /** What happens to the users of a client in IT Glue, to scale. */
  function bar(entry) {
    if (!entry.bar.length) return "";
    const image = document.createElementNS(SVG, "svg");
    const words = entry.bar.map(([state, count]) => `${label("action", state)} ${number(count)}`).join(", ");
    for (const [name, value] of Object.entries({ viewBox: "0 0 100 6", preserveAspectRatio: "none", role: "img", class: "bar", "aria-label": words })) {
      image.setAttribute(name, value);
    }
    let from = 0;
    for (const [state, , width] of entry.bar) {
      const part = document.createElementNS(SVG, "rect");
      for (const [name, value] of Object.entries({ x: from, y: 0, width, height: 6, class: `tone-${data.tones[state] || "out"}` })) part.setAttribute(name, value);
      image.append(part);
      from += width;
    }
    return image;
  }

  function verdictCell(entry) {
    return make("span", { class: `chip tenant-${entry.status}` }, icon(entry.blocked ? "failed" : entry.status === "attention" ? "attention" : "ready"), entry.verdict);
  }

  tables.tenants = build({
    id: "tenants",
    title: "Clients",
    noun: ["client", "clients"],
    none: "No client was part of this run.",
    entries: tenants,
    columns: [
      { id: "name", title: "Client", value: (entry) => entry.name, below: bar },
      { id: "status", title: "Verdict", value: (entry) => severities.indexOf(entry.status), sorting: "basic", cell: verdictCell },
      { id: "users", title: "Selected", value: (entry) => entry.selected, numeric: true },
      { id: "created", title: "New", value: (entry) => entry.created, numeric: true },
      { id: "changed", title: "Changed", value: (entry) => entry.changed, numeric: true },
      { id: "pushed", title: "To BMS", value: (entry) => entry.pushed, numeric: true },
      { id: "open", title: "Open", value: (entry) => entry.open, numeric: true },
      { id: "why", title: "Why", value: (entry) => entry.why.join(" "), look: "why", cell: (entry) => entry.why.map((each) => make("p", {}, linked(each))) },
    ],
    filters: [{ id: "status", title: "Verdict", values: (entry) => [entry.status], name: (value) => label("tenant", value), order: severities, always: true },
      { id: "state", title: "State", values: (entry) => entry.states, name: (value) => label("state", value) }],
    search: (entry) => [entry.name, entry.tenant, String(entry.organization || ""), entry.verdict, ...entry.why,
      ...entry.runs.flatMap((run) => [run.host, run.message, ...run.warnings])],
    detail: ofTenant,
  });

  tables.conflicts = build({
    id: "conflicts",
    title: "Conflicts",
    noun: ["conflict", "conflicts"],
    none: "No conflicts.",
    entries: conflicts,
    columns: [
      { id: "users", title: "Users", value: (entry) => entry.users.join(", ") || `BMS contacts ${ids(entry.bms)}`, cell: usersOf },
      ...ifSeveral(tenantColumn),
      { id: "question", title: "Question", value: (entry) => entry.question },
      { id: "rule", title: "In common", value: (entry) => label("rule", entry.rule) },
      { id: "candidates", title: "Candidates", value: candidatesOf },
    ],
    filters: [{ id: "question", title: "Question", values: (entry) => [entry.question] },
      { id: "rule", title: "In common", values: (entry) => [entry.rule], name: (value) => label("rule", value) },
      ...ifSeveral(byTenant)],
    search: (entry) => [tenantName(entry), ...entry.users, ids(entry.contacts), ids(entry.bms), label("rule", entry.rule), entry.question,
      ...[...entry.people, ...entry.candidates].flatMap((each) => [each.name, ...each.emails])],
    detail: ofConflict,
  });

  function usersOf(entry) {
    if (!entry.users.length) return `BMS contacts ${ids(entry.bms)}`;
    return make("span", { class: "several" }, entry.users.map((user) => {
      const person = entry.people.find((each) => each.user === user);
      return who(person && person.name, user);
    }));
  }

  function candidatesOf(entry) {
    const named = entry.candidates.map((each) => each.name || each.emails[0] || String(each.id));
    return ids(named.length ? named : [...entry.contacts, ...entry.bms]);
  }

  peopleTable = tables.people = build({
    id: "people",
    title: "People",
    noun: ["person", "people"],
    none: "Nobody changes, is blocked or needs a decision.",
    entries: people,
    columns: [
      { id: "user", title: "Person", value: (entry) => entry.name || entry.user, cell: (entry) => who(entry.name, entry.user) },
      ...ifSeveral(tenantColumn),
      { id: "action", title: "In IT Glue", value: (entry) => label("action", entry.action), cell: (entry) => chip("action", entry.action) },
      { id: "push", title: "In BMS", value: (entry) => (entry.push ? label("push", entry.push) : ""), cell: (entry) => chip("push", entry.push) },
      { id: "fields", title: "What", value: what, look: "why" },
    ],
    filters: [
      { id: "group", title: "Show", values: (entry) => entry.groups, name: (value) => label("group", value), order: Object.keys(labels.group), always: true },
      { id: "action", title: "In IT Glue", values: (entry) => [entry.action], name: (value) => label("action", value) },
      { id: "push", title: "In BMS", values: (entry) => (entry.push ? [entry.push] : []), name: (value) => label("push", value) },
      { id: "reason", title: "Reason", values: (entry) => entry.kinds, name: (value) => data.kinds[value] },
      ...ifSeveral(byTenant),
    ],
    search: (entry) => [entry.name, entry.user, tenantName(entry), entry.reason, label("action", entry.action),
      entry.push && label("push", entry.push), String(entry.contact || ""), String(entry.bms || ""), what(entry),
      ...entry.changes.flatMap(([, before, after]) => [...before, ...after])],
    detail: ofPerson,
  });

  /** The fields that change, or why nothing does, in a few words. */
  function what(entry) {
    if (entry.missing.length) return `Lacks ${entry.missing.map((each) => label("missing", each)).join(", ")}`;
    if (entry.groups.some((each) => ["failed", "decision", "refused", "look", "deferred"].includes(each)) && entry.reason) return entry.reason;
    if (entry.action === "create") return "New contact";
    if (entry.changes.length) return entry.changes.map(([field]) => label("field", field)).join(", ");
    return entry.reason;
  }

  tables.departed = build({
    id: "departed",
    title: "Departed and unmatched",
    noun: ["contact", "contacts"],
    none: "No contact of a departed person, and none with an unmatched address.",
    entries: departed,
    columns: [
      { id: "who", title: "Who", value: (entry) => entry.who, cell: (entry) => who(entry.who, entry.user || entry.addresses[0]) },
      ...ifSeveral(tenantColumn),
      { id: "kind", title: "Kind", value: (entry) => entry.kind },
      { id: "state", title: "What", value: (entry) => label("departure", entry.state), cell: (entry) => chip("departure", entry.state) },
      { id: "evidence", title: "Known because", value: (entry) => entry.evidence },
    ],
    filters: [
      { id: "kind", title: "Kind", values: (entry) => [entry.kind] },
      { id: "state", title: "What", values: (entry) => [entry.state], name: (value) => label("departure", value) },
      { id: "evidence", title: "Known because", values: (entry) => [entry.evidence] },
      ...ifSeveral(byTenant),
    ],
    search: (entry) => [entry.who, entry.user, tenantName(entry), entry.kind, label("departure", entry.state), entry.evidence,
      entry.reason, String(entry.contact), ...entry.addresses],
    detail: ofDeparted,
  });

  if (reverted.length) {
    tables.reverted = build({
      id: "reverted",
      title: "Reverted",
      noun: ["write", "writes"],
      none: "",
      entries: reverted,
      columns: [
        { id: "who", title: "Contact", value: (entry) => entry.who || String(entry.contact || "not known") },
        ...ifSeveral(tenantColumn),
        { id: "state", title: "What", value: (entry) => label("revert", entry.state), cell: (entry) => chip("revert", entry.state) },
        { id: "service", title: "Where", value: (entry) => label("service", entry.service) },
        { id: "fields", title: "Fields", value: (entry) => [...entry.fields, ...entry.changes.map(([name]) => name)].map((each) => label("field", each)).join(", ") },
        { id: "why", title: "Why", value: (entry) => entry.reason, look: "why" },
      ],
      filters: [
        { id: "state", title: "What", values: (entry) => [entry.state], name: (value) => label("revert", value) },
        { id: "service", title: "Where", values: (entry) => [entry.service], name: (value) => label("service", value) },
        ...ifSeveral(byTenant),
      ],
      search: (entry) => [entry.who, tenantName(entry), label("revert", entry.state), entry.reason, String(entry.contact || ""),
        ...entry.changes.flatMap(([, before, after]) => [...before, ...after])],
      detail: ofReverted,
    });
  }

  // A point of the overview leads to its table, filtered to what it counts.
  for (const point of document.querySelectorAll(".points a[data-filter]")) {
    const table = tables[point.getAttribute("href").slice(1)];
    if (!table || !point.dataset.filter) continue;
    point.addEventListener("click", (event) => {
      event.preventDefault();
      history.replaceState(null, "", point.getAttribute("href"));
      table.only(point.dataset.filter, point.dataset.value);
    });
  }

  for (const place of document.querySelectorAll(".command")) {
    const code = place.querySelector("code");
    const button = make("button", { type: "button", on: { click: () => copy(code.textContent, code, button) } }, "Copy");
    place.append(button);
  }

  document.documentElement.dataset.ready = "true";
})();
