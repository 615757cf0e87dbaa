/* SPDX-License-Identifier: Apache-2.0 */
/* The schema, step by step. docs/STORE.md draws it.
 *
 * Numbers of states stand in partial indexes, so the words of base/terms.h and rows.h must never be
 * renumbered; the asserts below hold them. */
#include "store/migrate.h"
#include "store/rows.h"

_Static_assert(EVENT_DECIDED == 1, "event_pending");
_Static_assert(ATTEMPT_OPEN == 0, "attempt_open");
_Static_assert(CLAIM_OPEN == 0, "claim_open");
_Static_assert(OCCURRENCE_EXPANDED == 2 && OCCURRENCE_DONE == 3, "occurrence_live");

static const char installation[] =
    "PRAGMA application_id = 1936291189;" /* "siyu" */
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE domain(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;"
    "CREATE TABLE connection(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,"
    "  domain INTEGER NOT NULL) STRICT;"
    /* The platform's id makes an account, not its name: its limits stay with it when it is renamed. */
    "CREATE TABLE account(id INTEGER PRIMARY KEY, connection INTEGER NOT NULL, external TEXT NOT NULL,"
    "  kind INTEGER NOT NULL, name TEXT NOT NULL, frozen INTEGER NOT NULL, frozen_why TEXT NOT NULL,"
    "  frozen_ms INTEGER NOT NULL, created_ms INTEGER NOT NULL, UNIQUE(connection, external)) STRICT;"
    "CREATE TABLE cursor(connection INTEGER PRIMARY KEY, cursor TEXT NOT NULL) STRICT;"
    "CREATE TABLE token(id TEXT PRIMARY KEY, role TEXT NOT NULL, hash BLOB NOT NULL, created_ms INTEGER NOT "
    "NULL,"
    "  expires_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    /* Rows by state, kept by each transaction, so that metrics need no scan. kind 0: deliveries, 1: events.
     */
    "CREATE TABLE tally(kind INTEGER, state INTEGER, n INTEGER NOT NULL, PRIMARY KEY(kind, state))"
    "  STRICT, WITHOUT ROWID;";

static const char inbox[] =
    "CREATE TABLE event(id INTEGER PRIMARY KEY, connection INTEGER NOT NULL, key BLOB, kind INTEGER NOT NULL,"
    "  state INTEGER NOT NULL, account INTEGER NOT NULL, contact INTEGER NOT NULL, grp INTEGER NOT NULL,"
    "  at_ms INTEGER NOT NULL, received_ms INTEGER NOT NULL, body TEXT NOT NULL, cause TEXT NOT NULL,"
    "  mode INTEGER NOT NULL, reply INTEGER NOT NULL, crashes INTEGER NOT NULL) STRICT;"
    "CREATE UNIQUE INDEX event_key ON event(connection, key) WHERE key IS NOT NULL;"
    "CREATE INDEX event_pending ON event(state, id) WHERE state <> 1;";

static const char people[] =
    "CREATE TABLE contact(id INTEGER PRIMARY KEY, name TEXT NOT NULL, props TEXT NOT NULL,"
    "  created_ms INTEGER NOT NULL) STRICT;"
    "CREATE INDEX contact_name ON contact(name) WHERE name <> '';"
    "CREATE TABLE identity(domain INTEGER, external TEXT, contact INTEGER NOT NULL,"
    "  PRIMARY KEY(domain, external)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX identity_contact ON identity(contact);"
    "CREATE INDEX identity_member ON identity(domain, contact);"
    "CREATE TABLE relation(contact INTEGER, account INTEGER, state INTEGER NOT NULL, since_ms INTEGER NOT "
    "NULL,"
    "  changed_ms INTEGER NOT NULL, PRIMARY KEY(contact, account)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE tag(contact INTEGER, grp INTEGER, tag TEXT, source TEXT NOT NULL, set_ms INTEGER NOT NULL,"
    "  expires_ms INTEGER NOT NULL, PRIMARY KEY(contact, grp, tag)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX tag_member ON tag(tag, contact, grp);"
    "CREATE TABLE refusal(contact INTEGER, scope TEXT, source TEXT NOT NULL, at_ms INTEGER NOT NULL,"
    "  PRIMARY KEY(contact, scope)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE grp(id INTEGER PRIMARY KEY, domain INTEGER NOT NULL, external TEXT NOT NULL, name TEXT NOT "
    "NULL,"
    "  owner INTEGER NOT NULL, dismissed INTEGER NOT NULL, created_ms INTEGER NOT NULL,"
    "  UNIQUE(domain, external)) STRICT;"
    "CREATE INDEX grp_domain ON grp(domain, id);"
    "CREATE TABLE group_member(grp INTEGER, contact INTEGER, joined_ms INTEGER NOT NULL,"
    "  PRIMARY KEY(grp, contact)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE cooldown(rule INTEGER, contact INTEGER, grp INTEGER, until_ms INTEGER NOT NULL,"
    "  PRIMARY KEY(rule, contact, grp)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX cooldown_until ON cooldown(until_ms);";

/* A delivery is in exactly one of outbox (queued, held), open_delivery (planned, and all that is out but not
 * settled) and history (final). All three have the same columns. The outbox is clustered in the order in
 * which the sender asks. */
static const char deliveries[] =
    "CREATE TABLE content(id INTEGER PRIMARY KEY, rendered INTEGER NOT NULL, body TEXT NOT NULL) STRICT;"
    "CREATE TABLE delivery_key(contact INTEGER, grp INTEGER, origin INTEGER, origin_kind INTEGER, step "
    "INTEGER,"
    "  visit INTEGER, id INTEGER NOT NULL, PRIMARY KEY(contact, grp, origin, origin_kind, step, visit))"
    "  STRICT, WITHOUT ROWID;"
    "CREATE TABLE outbox(id INTEGER, account INTEGER, lane INTEGER, campaign INTEGER, due_ms INTEGER,"
    "  origin_kind INTEGER NOT NULL, origin INTEGER NOT NULL, step INTEGER NOT NULL, visit INTEGER NOT NULL,"
    "  contact INTEGER NOT NULL, grp INTEGER NOT NULL, class INTEGER NOT NULL, op INTEGER NOT NULL,"
    "  state INTEGER NOT NULL, cause INTEGER NOT NULL, deadline_ms INTEGER NOT NULL,"
    "  created_ms INTEGER NOT NULL, content INTEGER NOT NULL, attempt INTEGER NOT NULL,"
    "  tries INTEGER NOT NULL, hold_limit INTEGER NOT NULL, hold_used INTEGER NOT NULL,"
    "  hold_max INTEGER NOT NULL, code TEXT NOT NULL, changed_ms INTEGER NOT NULL,"
    "  PRIMARY KEY(account, lane, campaign, due_ms, id)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX outbox_campaign ON outbox(campaign, id);"
    "CREATE INDEX outbox_contact ON outbox(contact) WHERE contact <> 0;"
    "CREATE TABLE open_delivery(id INTEGER, account INTEGER NOT NULL, lane INTEGER NOT NULL,"
    "  campaign INTEGER NOT NULL, due_ms INTEGER NOT NULL, origin_kind INTEGER NOT NULL,"
    "  origin INTEGER NOT NULL, step INTEGER NOT NULL, visit INTEGER NOT NULL, contact INTEGER NOT NULL,"
    "  grp INTEGER NOT NULL, class INTEGER NOT NULL, op INTEGER NOT NULL, state INTEGER,"
    "  cause INTEGER NOT NULL, deadline_ms INTEGER NOT NULL, created_ms INTEGER NOT NULL,"
    "  content INTEGER NOT NULL, attempt INTEGER NOT NULL, tries INTEGER NOT NULL,"
    "  hold_limit INTEGER NOT NULL, hold_used INTEGER NOT NULL, hold_max INTEGER NOT NULL,"
    "  code TEXT NOT NULL, changed_ms INTEGER NOT NULL, PRIMARY KEY(state, id)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE history(id INTEGER PRIMARY KEY, account INTEGER NOT NULL, lane INTEGER NOT NULL,"
    "  campaign INTEGER NOT NULL, due_ms INTEGER NOT NULL, origin_kind INTEGER NOT NULL,"
    "  origin INTEGER NOT NULL, step INTEGER NOT NULL, visit INTEGER NOT NULL, contact INTEGER NOT NULL,"
    "  grp INTEGER NOT NULL, class INTEGER NOT NULL, op INTEGER NOT NULL, state INTEGER NOT NULL,"
    "  cause INTEGER NOT NULL, deadline_ms INTEGER NOT NULL, created_ms INTEGER NOT NULL,"
    "  content INTEGER NOT NULL, attempt INTEGER NOT NULL, tries INTEGER NOT NULL,"
    "  hold_limit INTEGER NOT NULL, hold_used INTEGER NOT NULL, hold_max INTEGER NOT NULL,"
    "  code TEXT NOT NULL, changed_ms INTEGER NOT NULL) STRICT;";

static const char attempts[] =
    "CREATE TABLE attempt(id INTEGER PRIMARY KEY, connection INTEGER NOT NULL, account INTEGER NOT NULL,"
    "  op INTEGER NOT NULL, state INTEGER NOT NULL, class INTEGER NOT NULL, key TEXT NOT NULL,"
    "  body_hash BLOB NOT NULL, item_count INTEGER NOT NULL, started_ms INTEGER NOT NULL,"
    "  deadline_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL, content INTEGER NOT NULL,"
    "  outcome INTEGER NOT NULL, bytes_out INTEGER NOT NULL, http INTEGER NOT NULL, errcode INTEGER NOT NULL,"
    "  error TEXT NOT NULL, provider_id TEXT NOT NULL, next_ms INTEGER NOT NULL, follow_step INTEGER NOT "
    "NULL,"
    "  follow TEXT NOT NULL, parent INTEGER NOT NULL) STRICT;"
    "CREATE INDEX attempt_open ON attempt(id) WHERE state = 0;"
    "CREATE INDEX attempt_next ON attempt(next_ms) WHERE next_ms < 9223372036854775807;"
    "CREATE INDEX attempt_key ON attempt(key, connection) WHERE key <> '';"
    "CREATE INDEX attempt_provider ON attempt(provider_id, connection) WHERE provider_id <> '';"
    "CREATE TABLE attempt_item(attempt INTEGER, delivery INTEGER, recipient TEXT NOT NULL,"
    "  outcome INTEGER NOT NULL, errcode INTEGER NOT NULL, PRIMARY KEY(attempt, delivery))"
    "  STRICT, WITHOUT ROWID;";

static const char counters[] =
    "CREATE TABLE cell(limit_id INTEGER, a INTEGER, b INTEGER, cell INTEGER, used INTEGER NOT NULL,"
    "  PRIMARY KEY(limit_id, a, b, cell)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE claim(owner INTEGER, seq INTEGER, limit_id INTEGER NOT NULL, a INTEGER NOT NULL,"
    "  b INTEGER NOT NULL, cell INTEGER NOT NULL, units INTEGER NOT NULL, at_ms INTEGER NOT NULL,"
    "  carried INTEGER NOT NULL, state INTEGER NOT NULL, opened INTEGER NOT NULL, PRIMARY KEY(owner, seq))"
    "  STRICT, WITHOUT ROWID;"
    "CREATE INDEX claim_open ON claim(limit_id, a, b) WHERE state = 0;"
    "CREATE INDEX claim_opened ON claim(limit_id, a, b, cell) WHERE opened = 1 AND state = 1;"
    "CREATE TABLE opening(limit_id INTEGER, a INTEGER, b INTEGER, opened_ms INTEGER NOT NULL,"
    "  PRIMARY KEY(limit_id, a, b)) STRICT, WITHOUT ROWID;";

static const char plans[] =
    "CREATE TABLE playbook(name TEXT, version INTEGER, text TEXT NOT NULL, file TEXT NOT NULL,"
    "  hash BLOB NOT NULL, applied_ms INTEGER NOT NULL, PRIMARY KEY(name, version)) STRICT;"
    "CREATE TABLE occurrence(id INTEGER PRIMARY KEY, name TEXT NOT NULL, slot_ms INTEGER NOT NULL,"
    "  spread_ms INTEGER NOT NULL, state INTEGER NOT NULL, cursor INTEGER NOT NULL, page TEXT NOT NULL,"
    "  planned INTEGER NOT NULL, excluded INTEGER NOT NULL, content INTEGER NOT NULL, plan TEXT NOT NULL,"
    "  UNIQUE(name, slot_ms)) STRICT;"
    "CREATE INDEX occurrence_live ON occurrence(id) WHERE state <= 2;"
    /* A row holds what one batch wrote of somebody, see trace_text.h; `last` is the number of its last trace.
     * Not clustered by person: rows of that size in random places would split a page every few. */
    "CREATE TABLE trace(id INTEGER PRIMARY KEY, contact INTEGER NOT NULL, grp INTEGER NOT NULL,"
    "  last INTEGER NOT NULL, entries TEXT NOT NULL) STRICT;"
    "CREATE UNIQUE INDEX trace_who ON trace(contact, grp, last);";

const struct migration *migrate_steps(size_t *ret_n)
{
    static const struct migration steps[] = {
        {1, "installation, access", installation},
        {2, "inbox", inbox},
        {3, "contacts, tags, groups", people},
        {4, "deliveries", deliveries},
        {5, "attempts", attempts},
        {6, "counters and claims", counters},
        {7, "playbooks, broadcasts, traces", plans},
    };

    *ret_n = ARRAY_LEN(steps);
    return steps;
}
