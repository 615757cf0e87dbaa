// SPDX-License-Identifier: Apache-2.0
// What must hold after every kill and at the end. Three witnesses who cannot have agreed: the client's log (what was
// acknowledged), the sandbox's ledger (what the platform did), and the store (what the gateway believes).
import { readLog } from './client.mjs';
import { SENDS_OF_ALL, WEBHOOKS } from './site.mjs';

const MINUTE_MS = 60000, WEBHOOK_MOST = 20, TURN_MOST = 5;
const LIMIT_WEBHOOK = 1001, LIMIT_TURN = 1201; // of the rule pack
const SEND = 'kf/send_msg', WELCOMES = ['externalcontact/send_welcome_msg', 'kf/send_msg_on_event'];
const GROUP = 'webhook/send';
const QUEUED = 1, HELD = 2, IN_FLIGHT = 3, CALL_WELCOME = 0;
const CODE_USED = [41051, 95001];     // of welcomes
const WINDOW_FULL = [45009, 95001];   // of everything else

export class Violation extends Error {}

const fail = (text) => { throw new Violation(text); };

function groups(list, of) {
    const map = new Map();
    for (const one of list)
        map.get(of(one))?.push(one) ?? map.set(of(one), [one]);
    return map;
}

const accepted = (line) => line.errcode === 0;

/* The time at which the call began its `most`+1 th within one window, or undefined. */
function exceeds(lines, most, spanMs) {
    const times = lines.map((l) => l.t_ms).sort((a, b) => a - b);
    return times.find((t, i) => i >= most && t - times[i - most] < spanMs);
}

// ---- the ledger ----

function noWindowExceeded(ledger, said) {
    for (const l of ledger)
        if (!WELCOMES.includes(l.op) && WINDOW_FULL.includes(l.errcode))
            fail(`a window was exceeded: the platform refused ${l.op} to ${l.to} with ${l.errcode} (ledger line ${l.seq})`);
    for (const name of WEBHOOKS) {
        const at = exceeds(ledger.filter((l) => l.op === GROUP && l.connection === name && accepted(l)), WEBHOOK_MOST, MINUTE_MS);
        if (at !== undefined)
            fail(`a window was exceeded: ${name} got more than ${WEBHOOK_MOST} messages in the minute before ${at}`);
    }
    for (const [customer, sends] of groups(ledger.filter((l) => l.op === SEND && accepted(l)), (l) => l.to[0])) {
        const turns = said.filter((s) => s.customer === customer).map((s) => s.ms);
        for (const [turn, list] of groups(sends, (l) => turns.filter((ms) => ms <= l.t_ms).length))
            if (list.length > TURN_MOST)
                fail(`a window was exceeded: ${customer} got ${list.length} messages after speaking ${turn} times`);
    }
}

function nothingTwice(ledger, said) {
    for (const [sha, lines] of groups(ledger.filter((l) => l.op === GROUP && accepted(l)), (l) => l.body_sha256))
        if (lines.length > 1)
            fail(`sent twice: the announcement with body ${sha.slice(0, 16)} is in the ledger at ${lines.map((l) => l.seq)}`);
    for (const [key, lines] of groups(ledger.filter((l) => l.op === SEND && l.key), (l) => l.key))
        if (lines.findIndex(accepted) >= 0 && lines.findIndex(accepted) < lines.length - 1)
            fail(`sent twice: reply ${key} was accepted and presented again (ledger lines ${lines.map((l) => l.seq)})`);
    for (const op of WELCOMES)
        for (const [code, lines] of groups(ledger.filter((l) => l.op === op), (l) => l.key))
            if (lines.filter(accepted).length > 1)
                fail(`sent twice: welcome code ${code} was accepted ${lines.filter(accepted).length} times`);
    for (const [customer, sends] of groups(ledger.filter((l) => l.op === SEND && accepted(l)), (l) => l.to[0])) {
        const owed = said.filter((s) => s.customer === customer).reduce((n, s) => n + s.sends, 0);
        if (sends.length > owed)
            fail(`sent twice: ${customer} got ${sends.length} replies and was owed ${owed}`);
    }
    for (const l of ledger)
        if (WELCOMES.includes(l.op) && CODE_USED.includes(l.errcode) && !ledger.some((o) => o.op === l.op && o.key === l.key && o.seq < l.seq && accepted(o)))
            fail(`code ${l.key} was used up although nobody had used it (ledger line ${l.seq})`);
}

export function judgeLedger(ledger, said) {
    noWindowExceeded(ledger, said);
    nothingTwice(ledger, said);
}

// ---- the store ----

/* Charge before the first byte: what the platform accepted was charged, and the charge is durable. */
async function everythingIsCharged(rows, ledger) {
    const charged = await rows.ask(
        `SELECT c.name AS connection, l.limit_id AS id, coalesce((SELECT external FROM identity WHERE contact = l.b LIMIT 1), '')
         AS customer, sum(l.units) AS n FROM claim l JOIN account a ON a.id = l.a JOIN connection c ON c.id = a.connection
         WHERE l.limit_id IN (${LIMIT_WEBHOOK}, ${LIMIT_TURN}) AND l.state <> 2 AND l.carried = 0 GROUP BY 1, 2, 3`);
    const of = new Map(charged.map((c) => [c.id === LIMIT_TURN ? c.customer : c.connection, c.n]));
    const counted = groups(ledger.filter((l) => [GROUP, SEND].includes(l.op) && accepted(l)),
                           (l) => (l.op === SEND ? l.to[0] : l.connection));
    for (const [who, lines] of counted)
        if (lines.length > (of.get(who) ?? 0))
            fail(`sent without a charge: the platform counts ${lines.length} messages for ${who}, the store ${of.get(who) ?? 0}`);
}

async function acknowledgedIsStored(rows, acked, complete) {
    const found = await rows.ask("SELECT json_extract(body, '$.code') AS id, count(*) AS n FROM event WHERE id > 0 AND " +
                                 "json_extract(body, '$.code') IS NOT NULL GROUP BY 1");
    const stored = new Map(found.map((f) => [f.id, f.n]));
    const spool = complete ? '' : rows.spooled();
    for (const [id, n] of stored)
        if (n > 1)
            fail(`handled twice: the event with code ${id} is in the store ${n} times`);
    for (const id of acked.keys())
        if (!id.startsWith('x-') && !stored.has(id) && !spool.includes(id))
            fail(`lost: the event with code ${id} was acknowledged and is not in the store`);
}

/* The calls that the kill left without an outcome. Sending those of a class that must not be doubled again is wrong. */
export function openCalls(rows) {
    return rows.ask('SELECT CAST(i.delivery AS TEXT) AS delivery, CAST(a.id AS TEXT) AS attempt, a.op AS op FROM attempt a ' +
                    'JOIN attempt_item i ON i.attempt = a.id WHERE a.state = 0');
}

async function openCallsAreNotRepeated(rows, open) {
    const known = open.filter((o) => o.op !== CALL_WELCOME);
    if (known.length === 0)
        return;
    const later = await rows.ask(
        `WITH o(delivery, attempt) AS (VALUES ${known.map((o) => `(${o.delivery}, ${o.attempt})`)})
         SELECT CAST(o.delivery AS TEXT) AS delivery FROM o JOIN attempt_item i ON i.delivery = o.delivery
         WHERE i.attempt > o.attempt LIMIT 1`);
    if (later.length > 0)
        fail(`resent: delivery ${later[0].delivery} was in flight at a kill and was sent again without proof of absence`);
}

export async function judgeKill({ rows, site, open }) {
    await acknowledgedIsStored(rows, readLog(site.client.logFile).acked, false);
    await everythingIsCharged(rows, site.ledger());
    await openCallsAreNotRepeated(rows, open);
}

// ---- the end ----

/* Deliveries that may still move by themselves. */
export function moving(rows) {
    return rows.count(`SELECT (SELECT count(*) FROM outbox WHERE state = ${QUEUED} OR (state = ${HELD} AND cause <> 4)) +
                       (SELECT count(*) FROM open_delivery WHERE state IN (0, ${IN_FLIGHT})) +
                       (SELECT count(*) FROM event WHERE state = 0) AS n`);
}

const DELIVERIES = `(SELECT id, origin, origin_kind, state, cause FROM outbox UNION ALL SELECT id, origin, origin_kind, state,
                    cause FROM open_delivery UNION ALL SELECT id, origin, origin_kind, state, cause FROM history)`;

async function effectsAreRecorded(rows, said, added) {
    const events = await rows.ask(
        `SELECT json_extract(e.body, '$.code') AS code, json_extract(e.body, '$.text') AS text, e.state AS state, e.cause AS cause,
         (SELECT count(*) FROM ${DELIVERIES} d WHERE d.origin_kind = 0 AND d.origin = e.id) AS n FROM event e`);
    const owed = new Map([...said.map((s) => [s.text, s.sends]), ...added.map((a) => [a.code, 1])]);
    const seen = groups(events, (e) => e.text || e.code);
    for (const [what, n] of owed) {
        const list = seen.get(what) ?? [];
        if (list.length !== 1)
            fail(`${list.length === 0 ? 'lost' : 'handled twice'}: ${what} is in the store ${list.length} times`);
        if (list[0].state === 0)
            fail(`not decided: ${what}`);
        if (list[0].state === 1 && list[0].n !== n)
            fail(`wrong effect: ${what} led to ${list[0].n} deliveries, not ${n}`);
    }
    const restless = await moving(rows);
    if (restless > 0)
        fail(`${restless} deliveries or events have not ended in a recorded state`);
}

async function announcementsAreMade(rows, promised, nowMs) {
    const made = await rows.ask(`SELECT o.name AS name, (SELECT count(*) FROM ${DELIVERIES} d WHERE d.origin_kind = 1 AND
                                 d.origin = o.id) AS n FROM occurrence o`);
    const of = new Map(made.map((m) => [m.name.split('/').pop(), m.n]));
    for (const [name, slotMs] of promised)
        if (slotMs < nowMs && of.get(name) !== 1)
            fail(`lost: announcement ${name} led to ${of.get(name) ?? 0} deliveries`);
    for (const [name, n] of of)
        if (n > 1)
            fail(`planned twice: announcement ${name} led to ${n} deliveries`);
}

/* Once everything is at rest. `said`: messages of customers; `added`: first adds; `open`: what the kills left in flight. */
export async function judgeEnd({ rows, site, said, added, open }) {
    const { acked, got } = readLog(site.client.logFile);
    for (const id of got.keys())
        if (!acked.has(id))
            fail(`callback ${id} was never acknowledged, however often it was pushed`);
    await acknowledgedIsStored(rows, acked, true);
    await everythingIsCharged(rows, site.ledger());
    await openCallsAreNotRepeated(rows, open);
    await effectsAreRecorded(rows, said, added);
    await announcementsAreMade(rows, site.promised, site.now());
    judgeLedger(site.ledger(), said);
}

export async function judgeVerify(site) {
    const { code, stdout, stderr } = await site.verify();
    if (code !== 0)
        fail(`siyu verify is not clean (exit ${code}): ${stdout.slice(0, 2000)}${stderr.slice(0, 500)}`);
}
