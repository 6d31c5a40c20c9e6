# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: contact_sync
short_description: Sync a client's Microsoft 365 users with its IT Glue contacts and push them to Kaseya BMS
version_added: 1.0.0
author:
  - The msp.psa_sync authors (@msp-psa-sync)
description:
  - Reads the users of a client's Microsoft 365 tenant, matches them with the client's contacts in IT Glue,
    updates those contacts, and pushes the ones that are new or not linked to Kaseya BMS.
  - The settings that M(msp.psa_sync.office365_sync_settings) and M(msp.psa_sync.bms_sync_settings) store in IT Glue
    decide what it does.
  - In check mode it shows what it would do, contact by contact, and writes nothing.
  - A user is matched by any of its e-mail addresses, then by its username, then by first and last name,
    each compared regardless of case. A hit that is not one user and one contact is a conflict, nothing is
    written for it, and RV(conflicts) lists the candidates and the answers that resolve it.
  - A contact that is linked to BMS is not changed, unless O(update_linked=true). Before a contact is created in BMS,
    all contacts of the account are read, so that a person who exists in BMS already is not created again.
  - For O(bms_settings.push_method=direct), IT Glue's own two-way sync of contacts with BMS must be off, because
    IT Glue pushes new and changed contacts by itself. Where it must stay on, use V(native).
  - The contact sync of the tenant must be off in IT Glue's own Microsoft integration, or both write to the same
    contacts. Where it must stay on, set O(office365_settings.primary_email=username).
  - When a quota of IT Glue or BMS is used up, the remaining contacts are C(deferred), and the next run goes on;
    RV(summary.resume_after) says when. While another run on the same control node writes to the organization,
    everything is C(deferred).
  - A real run remembers in IT Glue, in assets of the type C(Contact Sync Facts), whom it found in BMS, what IT Glue
    refuses to change, and the contact types that departed people had. They hold ids, times and digests, no names and no
    addresses. They only save requests, and count as no change. They can be deleted at any time.
options:
  store_settings:
    description:
      - Whether O(office365_settings) and O(bms_settings) are stored too, as M(msp.psa_sync.office365_sync_settings) and
        M(msp.psa_sync.bms_sync_settings) store them, before the first contact is written. One task then does both, with
        the same reads.
      - They are compared and shown in RV(settings_changes), but not stored, with O(plan_file), O(apply_plan) and
        O(state=reverted), when the plan exceeds a limit, and while another run writes to the organization.
    type: bool
    default: false
  users:
    description:
      - Limits the run to these users, by username or Entra id. Matching still considers all users.
    type: list
    elements: str
  match_overrides:
    description:
      - Resolves conflicts. The keys are usernames or Entra ids of users.
      - A number pairs the user with that IT Glue contact. V(new) creates a contact, unless exactly one has the user's
        primary address as its primary address already, which is then taken. V(ignore) excludes the user.
    type: dict
  bms_match_overrides:
    description:
      - Resolves conflicts in BMS, as O(match_overrides) resolves those in IT Glue. The keys are usernames or Entra ids
        of users.
      - A number names the BMS contact of that user. V(new) creates one. V(ignore) keeps the user out of BMS.
    type: dict
  update_linked:
    description:
      - Whether contacts that are linked to BMS are updated too, in IT Glue as far as IT Glue lets them, and in BMS,
        which is then read in each run.
      - BMS follows the contact as it becomes in IT Glue, where O(bms_settings.contact_sync) and
        O(bms_settings.two_way_sync) are on. Names and job title are set, but never to a blank. Missing e-mails and
        phones are added under O(bms_settings.email_type) and O(bms_settings.phone_type), or omitted where that is not
        set, and the primary ones become the default. A missing number takes the place of a blank one, or of the only
        other phone of that type. Everything else in BMS stays.
      - With O(bms_settings.push_method=native), BMS is not written. IT Glue's own two-way sync carries the changes.
        The same holds for a contact whose link is disabled or orphaned.
      - A BMS contact that several contacts are linked with, or that is not identified for sure, is not changed,
        and named in the reason. An address that another BMS contact of the account has is not added.
      - Where a release of BMS has no way to change e-mails and phones, names and job titles are still written,
        C(unapplied) lists the rest, and there is a warning.
    type: bool
    default: false
  allow_shrunken_source:
    description:
      - Whether to go on when the tenant has no users, or the filter selects none, and with O(departed=deactivate)
        when it has fewer users than half of the contacts that carry its domains.
    type: bool
    default: false
  max_creates:
    description:
      - How many contacts may be created in IT Glue, as a number, or as a percentage of the selected users, rounded
        down. V(0) allows none.
      - When the plan exceeds this, nothing is written and the task fails, in check mode too. The plan is in the result.
      - If not set, the larger of 25 and 50 % are allowed. Raise the limit for a first run explicitly.
    type: str
  max_updates:
    description:
      - How many contacts may be updated, in the same way. A contact that is updated in IT Glue, in BMS or in both
        counts once.
    type: str
  max_pushes:
    description:
      - How many contacts may be created in BMS, in the same way.
    type: str
  departed:
    description:
      - What happens to the contacts of departed people. A person has departed only where there is evidence. The user
        is disabled, or is among the tenant's deleted users, has both names, and passes the filter but for being
        disabled and for its licence.
      - With V(report), they are listed in RV(departed).
      - With V(deactivate), they get O(departed_contact_type) in IT Glue and, where O(bms_settings.contact_sync) is on,
        become inactive in BMS. Nothing is deleted. A person who returns gets both back, if the contact still has that
        type.
      - The BMS contact is the one that the contact is linked to, or else the only one that has an address of its, and
        none of a selected user.
      - With O(bms_settings.push_method=native), a contact that is ready and not linked is C(deferred), because IT Glue
        would push it.
    type: str
    choices: [report, deactivate]
    default: report
  departed_contact_type:
    description:
      - The name of the contact type of departed people, which new contacts do not get. Required for
        O(departed=deactivate).
      - A contact that has this type is taken for nobody with other names, also where O(departed=report).
    type: str
  departed_keep:
    description:
      - Contacts that are never deactivated, by contact id, or by patterns of addresses and usernames in which C(*)
        stands for any text.
    type: list
    elements: str
    default: []
  max_deactivations:
    description:
      - How many contacts may be deactivated, as O(max_creates).
      - If not set, 20 are allowed.
    type: str
  report:
    description:
      - With V(changes), RV(contacts) lists what changed, is blocked or needs a decision.
      - With V(all), it lists every user.
    type: str
    choices: [changes, all]
    default: changes
  push_wait:
    description:
      - For how many seconds to wait for the links that IT Glue makes when it pushes contacts by itself,
        with O(bms_settings.push_method=native). V(0) does not wait.
      - A contact that is not linked by then is C(pending). The next run sees what has become of it.
      - IT Glue pushes only what is saved. A contact that is complete and not linked is therefore saved once more as it
        is, unless it was saved within a day. That counts as an update, with the same attributes in C(before) and
        C(after).
    type: int
    default: 30
  fail_on_deferred:
    description:
      - Whether the task fails where a quota has deferred contacts of the client. What could be done is done in any
        case.
      - Without this option the task fails once this has happened in three real runs in a row on this control node. The
        client is then RV(starved).
      - With V(true), the task fails the first time. With V(false), it never fails for that.
    type: bool
  state:
    description:
      - With V(synced), the contacts are brought up to date.
      - With V(reverted), the runs that O(journal_file) records are reverted (a rollback), the last write first, as
        far as that is possible. Created contacts are removed from IT Glue and deactivated in BMS. Changed fields get
        their former values where they still hold the written ones. RV(not_reverted) lists what remains.
      - Reverting twice does nothing more.
    type: str
    choices: [synced, reverted]
    default: synced
  plan_file:
    description:
      - In check mode, the plan is written to this file as JSON, readable by its owner alone, for a review.
        O(apply_plan) then applies exactly that.
      - The format is described by C(docs/schemas/plan.schema.json) in the collection.
      - Outside check mode the option is an error, and nothing is written.
    type: path
  apply_plan:
    description:
      - Applies exactly the plan in this file. What it touches is read again.
      - An entry that does not hold any more is not applied but listed in RV(refused). What has been done already is not
        done again, and what is new waits for the next plan.
      - The limits count for the plan too.
      - A plan of another organization, tenant, version of the collection or of other settings is refused.
      - O(bms_adapter_names), O(update_linked), O(users), O(match_overrides), O(bms_match_overrides),
        O(allow_shrunken_source), O(departed), O(departed_contact_type) and O(departed_keep) are those that the plan was
        made with.
    type: path
  journal_file:
    description:
      - Each write is recorded in this file before it is sent, with the former values, and afterwards with its outcome.
        The file only grows, and is readable by its owner alone. Give each organization a file of its own.
      - Each line is on the disk before the run goes on, so that a run that was killed can be reverted too.
        The format of a line is described by C(docs/schemas/journal.schema.json) in the collection.
      - With O(state=reverted), the journal of the runs to revert.
    type: path
requirements:
  - phonenumberslite (Python library; C(phonenumbers) serves too)
extends_documentation_fragment:
  - msp.psa_sync.attributes
  - msp.psa_sync.attributes.writes
  - msp.psa_sync.client
  - msp.psa_sync.connection
seealso:
  - module: msp.psa_sync.office365_sync_settings
  - module: msp.psa_sync.bms_sync_settings
"""

EXAMPLES = r"""
- name: See what a sync would change
  msp.psa_sync.contact_sync:
    organization: Happy Frog
  check_mode: true
  diff: true

- name: Sync a client's contacts
  msp.psa_sync.contact_sync:
    organization: Happy Frog

- name: Raise the limits for the first run, which creates a contact for nearly every user
  msp.psa_sync.contact_sync:
    organization: Happy Frog
    max_creates: 100%
    max_pushes: 100%

- name: Preview other settings than the stored ones
  msp.psa_sync.contact_sync:
    organization: Happy Frog
    office365_settings:
      set_phone_numbers_primary: true
      phone_type: Mobile
    bms_settings:
      auto_push_office365_contacts: false
  check_mode: true

- name: Write the plan to a file, for a review
  msp.psa_sync.contact_sync:
    organization: Happy Frog
    plan_file: /tmp/happy-frog.plan.json
  check_mode: true

- name: Apply what was reviewed, and keep a journal
  msp.psa_sync.contact_sync:
    organization: Happy Frog
    apply_plan: /tmp/happy-frog.plan.json
    journal_file: /tmp/happy-frog.journal

- name: Revert it
  msp.psa_sync.contact_sync:
    organization: Happy Frog
    state: reverted
    journal_file: /tmp/happy-frog.journal

- name: Keep linked contacts up to date too, in IT Glue and BMS
  msp.psa_sync.contact_sync:
    organization: Happy Frog
    update_linked: true

- name: See which conflicts there are
  msp.psa_sync.contact_sync:
    organization: Happy Frog
  check_mode: true
  register: preview

- name: Show the suggestions and all answers, for somebody who knows the people
  ansible.builtin.debug:
    msg:
      suggested: "{{ preview.conflicts | map(attribute='match_overrides') | combine }}"
      possible: "{{ preview.conflicts | map(attribute='answers') | combine }}"

- name: Resolve a conflict
  msp.psa_sync.contact_sync:
    organization: Happy Frog
    match_overrides:
      jo.smith@happyfrog.example: 72
      joanna.smith@happyfrog.example: new
      scanner@happyfrog.example: ignore

- name: Sync one user, and see what comes of it although nothing changes
  msp.psa_sync.contact_sync:
    organization: Happy Frog
    users:
      - jo.smith@happyfrog.example
    report: all

- name: Deactivate the contacts of departed people, in a tenant that has few users left
  msp.psa_sync.contact_sync:
    organization: Happy Frog
    departed: deactivate
    departed_contact_type: Former employee
    departed_keep:
      - reception@*
    max_deactivations: 10%
    allow_shrunken_source: true
"""

RETURN = r"""
organization:
  description: The organization in IT Glue.
  returned: success, and on failure once there is a plan
  type: dict
  sample: {id: 2, name: Happy Frog}
tenant_id:
  description: The Microsoft 365 tenant that was read.
  returned: success, and on failure once there is a plan
  type: str
  sample: 6f1c9f3e-0d57-4a5b-9f0a-2f4f5f2f7b11
settings:
  description: The settings that counted, under C(office365) and C(bms), with all options.
  returned: success, and on failure once there is a plan, but for O(state=reverted)
  type: dict
  sample: {bms: {auto_push_office365_contacts: true}, office365: {phone_type: Office}}
settings_changes:
  description:
    - The declared settings that differ from the stored ones, under C(office365) and C(bms). C(before) and C(after) hold
      the options that differ, and C(stored) says whether they have been stored, or would be in check mode.
  returned: success, and on failure once there is a plan
  type: dict
  sample: {office365: {after: {phone_type: Mobile}, before: {phone_type: Office}, stored: true}}
summary:
  description: The run in numbers.
  returned: success, and on failure once there is a plan
  type: dict
  contains:
    users:
      description: Users of the tenant.
      type: int
      sample: 210
    selected:
      description: Users that the filter selects.
      type: int
      sample: 180
    actions:
      description: Users by what happens in IT Glue.
      type: dict
      sample: {create: 2, excluded: 30, linked: 170, update: 8}
    push:
      description: Users by what happens in BMS.
      type: dict
      sample: {already_in_bms: 1, not_ready: 1, pushed: 8}
    excluded:
      description:
        - Users that are excluded, by the first reason that applies.
        - C(override) are ignored by O(match_overrides), C(users) not named in O(users).
      type: dict
      sample: {disabled: 12, guest: 10, unlicensed: 8}
    matched:
      description: Users that are not excluded, by what they and their contacts were matched by.
      type: dict
      sample: {alias: 174, name: 2, username: 2}
    limits_exceeded:
      description: The limits that forbade the plan. Each has C(option), C(count) and C(limit).
      type: list
      elements: dict
      sample: []
    api_calls:
      description: Requests sent per service, authentication included.
      type: dict
      sample: {bms: 5, graph: 3, itglue: 6}
    reverted:
      description: With O(state=reverted), instead of the above, what was reverted, by its kind.
      type: dict
      sample: {deactivate: 2, remove: 2, restore: 6}
    resume_after:
      description:
        - In how many seconds the quota that was used up is there again. A run before that would get no further.
        - Null when no quota was used up.
      type: int
      sample: null
    deferred_runs:
      description:
        - In how many real runs in a row, this one included, a quota has deferred contacts of the client. V(0) where it
          has not, and in check mode.
      type: int
      sample: 0
starved:
  description:
    - Whether a quota has deferred contacts of the client in three real runs in a row, this one included.
  returned: success, and on failure when a quota is the reason or once there is a plan, but for O(state=reverted)
  type: bool
  sample: false
failure:
  description:
    - Why the task failed, for a playbook to decide by. C(msg) has the message for people.
    - C(code) stays as it is from version to version. C(service) is C(graph), C(itglue), C(bms), C(journal), or null
      where no service failed. C(status) is the HTTP status, null where there was no answer. C(said) are the
      service's own words.
  returned: failure, unless Ansible refuses the options
  type: dict
  sample: {code: permission_denied, said: "Authorization_RequestDenied", service: graph, status: 403}
contacts:
  description:
    - What changed, is blocked or needs a decision. With O(report=all), every user.
    - Attributes are under IT Glue's names. What begins with C(bms-) is a field of the BMS contact. C(bms-job-title),
      C(bms-first-name), C(bms-last-name), C(bms-emails), C(bms-phones), and C(bms-active) for whether it is active.
  returned: success, and on failure once there is a plan, but for O(state=reverted)
  type: list
  elements: dict
  contains:
    user:
      description: The username.
      type: str
      sample: jo.smith@happyfrog.example
    user_id:
      description: The Entra id of the user.
      type: str
      sample: 0d3f0c52-6a0a-4f0e-8f83-9c1b9e0c7d10
    name:
      description: First and last name of the user.
      type: str
      sample: Jo Smith
    contact_id:
      description: The IT Glue contact. Null in check mode for one that is still to be created.
      type: int
      sample: 72
    contact_url:
      description: The address of the contact in IT Glue, null where it is not known.
      type: str
      sample: https://happyfrog.itglue.com/2/contacts/72
    bms_contact_id:
      description: The BMS contact. Null in check mode for one that is still to be created.
      type: int
      sample: 90211
    action:
      description:
        - What happens in IT Glue. One of C(create), C(update), C(unchanged), C(linked), C(conflict), C(excluded),
          C(deferred), C(failed), and with O(apply_plan) also C(struck) for what a reviewer took out of the plan, and
          C(refused) for what no longer holds.
      type: str
      sample: update
    matched_by:
      description: What user and contact were matched by. One of C(alias), C(username), C(name), C(override), or null.
      type: str
      sample: alias
    push:
      description:
        - What happens in BMS. One of C(pushed), C(already_in_bms), C(pending), C(not_ready), C(off), C(conflict),
          C(deferred), C(failed), or null where there is nothing to push.
      type: str
      sample: pushed
    missing:
      description:
        - What a contact that is not ready lacks. Of C(first_name), C(primary_email), C(primary_phone), C(location).
      type: list
      elements: str
      sample: []
    locked:
      description: Groups of attributes that IT Glue refuses to have changed, because another integration owns them.
      type: list
      elements: str
      sample: []
    unapplied:
      description:
        - Groups of attributes that IT Glue accepted but does not show, and fields that BMS did not take. C(touch) where
          saving a contact as it is left no trace.
      type: list
      elements: str
      sample: []
    before:
      description: The attributes that change, as they were.
      type: dict
      sample: {title: null}
    after:
      description: The attributes that change, as they are now, or would be.
      type: dict
      sample: {title: Controller}
    names:
      description: What ids in C(before) and C(after) are called, by the name of the field and the id.
      type: dict
      sample: {}
    reason_code:
      description:
        - The code of the gravest reason, or null. Codes stay as they are from version to version, sentences do not.
        - The troubleshooting guide has an entry for each code.
      type: str
      sample: in_bms_by_address
    reason_codes:
      description: The codes of all reasons.
      type: list
      elements: str
      sample: [in_bms_by_address]
    reason:
      description: Why, in sentences, or null.
      type: str
      sample: "BMS contact 90211 is this person: it holds one of the addresses, so nothing is created."
    hint:
      description: What to do, or null where nothing is to be done.
      type: str
      sample: If it is somebody else, correct the address in BMS.
    attention:
      description: Whether somebody should look at it or decide something.
      type: bool
      sample: false
    failure:
      description: The failure of this entry, as RV(failure), or null.
      type: dict
      sample: null
conflicts:
  description:
    - Groups of users and contacts of whom only a person can say who is who. Nothing is written for them.
  returned: success, and on failure once there is a plan, but for O(state=reverted)
  type: list
  elements: dict
  contains:
    rule:
      description:
        - What they have in common. One of C(alias), C(username), C(name), C(override), C(primary_email), and for BMS
          C(bms_email), C(bms_name).
      type: str
      sample: name
    reason_code:
      description: Why it is a conflict, as in RV(contacts[].reason_code).
      type: str
      sample: several_hits
    users:
      description: The usernames.
      type: list
      elements: str
      sample: [jo.smith@happyfrog.example, joanna.smith@happyfrog.example]
    people:
      description: The users with their names and addresses.
      type: list
      elements: dict
      sample:
        - user: jo.smith@happyfrog.example
          user_id: 0d3f0c52-6a0a-4f0e-8f83-9c1b9e0c7d10
          first_name: Jo
          last_name: Smith
          emails: [jo.smith@happyfrog.example]
    contact_ids:
      description: The IT Glue contacts.
      type: list
      elements: int
      sample: [72]
    contacts:
      description:
        - The IT Glue contacts with their names and addresses, whether they are linked to BMS (null where IT Glue does
          not tell), and their address in IT Glue.
      type: list
      elements: dict
      sample:
        - id: 72
          first_name: Jo
          last_name: Smith
          emails: [jo@happyfrog.example]
          linked: false
          url: https://happyfrog.itglue.com/2/contacts/72
    bms_contact_ids:
      description: The BMS contacts.
      type: list
      elements: int
      sample: []
    bms_contacts:
      description: The BMS contacts with their names and addresses, and whether they are active.
      type: list
      elements: dict
      sample: []
    match_overrides:
      description:
        - The suggestion for O(match_overrides), by username. Empty where no answer is best. Check it before you use it.
      type: dict
      sample: {jo.smith@happyfrog.example: 72}
    bms_match_overrides:
      description:
        - The same for a conflict in BMS, whose answers are ids of BMS contacts.
      type: dict
      sample: {}
    answers:
      description: All answers that can be given for each username. Ids of the candidates, C(new) and C(ignore).
      type: dict
      sample: {jo.smith@happyfrog.example: [72, new, ignore], joanna.smith@happyfrog.example: [72, new, ignore]}
departed:
  description:
    - Contacts of departed people, whose user is disabled or among the tenant's deleted users.
  returned: success, and on failure once there is a plan, but for O(state=reverted)
  type: list
  elements: dict
  contains:
    user:
      description: The username.
      type: str
      sample: max.leaver@happyfrog.example
    user_id:
      description: The Entra id of the user.
      type: str
      sample: 2c6b1d0e-2f7a-4c39-a8d4-0e5f0b7c9a11
    contact_id:
      description: The IT Glue contact.
      type: int
      sample: 75
    contact_url:
      description: The address of the contact in IT Glue, null where it is not known.
      type: str
      sample: https://happyfrog.itglue.com/2/contacts/75
    name:
      description: First and last name of the contact.
      type: str
      sample: Max Leaver
    bms_contact_id:
      description: The BMS contact, where something is done about it, else null.
      type: int
      sample: 90213
    evidence:
      description: How it is known. C(disabled) or C(deleted).
      type: str
      sample: disabled
    action:
      description:
        - What happens. One of C(report), C(deactivate), C(deactivated) for nothing left to do, C(keep) for
          O(departed_keep), C(failed), C(deferred), and with O(apply_plan) also C(struck) and C(refused).
      type: str
      sample: deactivate
    locked:
      description: Groups of attributes that IT Glue refuses to have changed.
      type: list
      elements: str
      sample: []
    unapplied:
      description: Groups of attributes that IT Glue accepted but does not show, and fields that BMS did not take.
      type: list
      elements: str
      sample: []
    before:
      description: The attributes that change, as they were.
      type: dict
      sample: {contact-type-id: null, bms-active: true}
    after:
      description: The attributes that change, as they are now, or would be.
      type: dict
      sample: {contact-type-id: 31, bms-active: false}
    names:
      description: What ids in C(before) and C(after) are called, by the name of the field and the id.
      type: dict
      sample: {contact-type-id: {"31": Former employee}}
    reason_code:
      description:
        - The code of the gravest reason, or null. Codes stay as they are from version to version, sentences do not.
        - The troubleshooting guide has an entry for each code.
      type: str
      sample: user_disabled
    reason_codes:
      description: The codes of all reasons.
      type: list
      elements: str
      sample: [user_disabled]
    reason:
      description: Why, in sentences, or null.
      type: str
      sample: The person's account is disabled.
    hint:
      description: What to do, or null where nothing is to be done.
      type: str
      sample: null
    attention:
      description: Whether somebody should look at it or decide something.
      type: bool
      sample: false
    failure:
      description: The failure of this entry, as RV(failure), or null.
      type: dict
      sample: null
unclaimed:
  description:
    - Contacts with an unmatched address, which is one of the tenant's domains that no user holds, present or deleted.
      They are listed and not touched.
  returned: success, and on failure once there is a plan, but for O(state=reverted)
  type: list
  elements: dict
  contains:
    contact_id:
      description: The IT Glue contact.
      type: int
      sample: 76
    contact_url:
      description: The address of the contact in IT Glue, null where it is not known.
      type: str
      sample: https://happyfrog.itglue.com/2/contacts/76
    name:
      description: First and last name of the contact.
      type: str
      sample: Old Reception
    addresses:
      description: The addresses that no user holds.
      type: list
      elements: str
      sample: [reception@happyfrog.example]
refused:
  description:
    - Entries of O(apply_plan) that do not hold any more, and were not applied.
  returned: success, and on failure once there is a plan, but for O(state=reverted)
  type: list
  elements: dict
  contains:
    user:
      description: The username.
      type: str
      sample: jo.smith@happyfrog.example
    user_id:
      description: The Entra id of the user.
      type: str
      sample: 0d3f0c52-6a0a-4f0e-8f83-9c1b9e0c7d10
    contact_id:
      description: The IT Glue contact, null for one that was still to be created.
      type: int
      sample: 72
    planned:
      description: What the plan has under C(itglue) and C(bms), as far as it would be otherwise now.
      type: dict
      sample: {itglue: {before: {title: Accountant}}}
    found:
      description: What would be in its place now. All null when there is nothing to do any more.
      type: dict
      sample: {itglue: {before: {title: Director}}}
    reason_code:
      description: Why, as a code.
      type: str
      sample: plan_outdated
    reason:
      description: Why, in a sentence.
      type: str
      sample: "Something has changed since the plan was made, so this entry was not applied: itglue.before."
    hint:
      description: What to do.
      type: str
      sample: Make a new plan in check mode, and have it reviewed.
reverted:
  description:
    - What was reverted, or would be, in that order.
  returned: success with O(state=reverted)
  type: list
  elements: dict
  contains:
    what:
      description:
        - One of C(remove) and C(restore) in IT Glue, C(deactivate) and C(restore_in_bms) in BMS.
      type: str
      sample: restore
    service:
      description: C(itglue) or C(bms).
      type: str
      sample: itglue
    id:
      description: The contact, in IT Glue or BMS.
      type: int
      sample: 72
    name:
      description: First and last name of the contact.
      type: str
      sample: Jo Smith
    before:
      description: What is there.
      type: dict
      sample: {title: Controller}
    after:
      description: What is restored.
      type: dict
      sample: {title: Accountant}
not_reverted:
  description:
    - What could not be reverted, or was changed since and therefore stays as it is.
  returned: success with O(state=reverted)
  type: list
  elements: dict
  contains:
    service:
      description: C(itglue) or C(bms).
      type: str
      sample: itglue
    id:
      description: The contact, null where it is not known which one.
      type: int
      sample: 75
    name:
      description: First and last name of the contact.
      type: str
      sample: Max Muster
    fields:
      description: The fields that stay as they are, empty where it is the whole contact.
      type: list
      elements: str
      sample: [title]
    reason_code:
      description:
        - The code of the gravest reason, or null. Codes stay as they are from version to version, sentences do not.
        - The troubleshooting guide has an entry for each code.
      type: str
      sample: changed_since_written
    reason_codes:
      description: The codes of all reasons.
      type: list
      elements: str
      sample: [changed_since_written]
    reason:
      description: Why, in sentences.
      type: str
      sample: "It has been changed since, so it stays as it is."
    hint:
      description: What to do, or null where nothing is to be done.
      type: str
      sample: Change or remove it by hand if that is right.
    failure:
      description: The failure of this entry, as RV(failure), or null.
      type: dict
      sample: null
diff:
  description:
    - One diff for each contact that changes, by username, field by field. Its headers name the contact, what happens
      to it, and why.
  returned: success, and on failure once there is a plan
  type: list
  elements: dict
  sample:
    - before_header: jo.smith@happyfrog.example, contact 72
      before: "title: Accountant\n"
      after_header: update, matched by alias
      after: "title: Controller\n"
"""

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.python import require_python

require_python()

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.contact_sync import SPEC, run
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.module import run_module


def main():
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
