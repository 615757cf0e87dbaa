#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// kill -9 under mixed load, again and again; the sandbox and an acknowledging client with its own log survive.
//
//   tests/fault/crash.mjs [--cycles 30] [--seed N] [--siyu build/siyu] [--keep] [--speed 10]
//
// A cycle: start, load, kill. It counts only if a callback was unacknowledged and a delivery in flight at the kill, both
// read afterwards from the client's log and a copy of the store. After every kill: nothing acknowledged is lost, the
// ledger has nothing that was not charged, nothing twice and no window exceeded, and nothing that was in flight goes out
// again. Every few cycles and at the end `siyu verify` is clean; at the end every effect is in a recorded state.
//
// Exit 0: all held. 1: a violation, in one sentence. 2: usage, or something else failed. The seed is printed: it
// repeats the plan (what is sent, which faults, when to kill), not the scheduling of the machine.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { sleep, until } from '../scenario/support/process.mjs';
import { Violation, judgeEnd, judgeKill, judgeLedger, judgeVerify, moving, openCalls } from './support/judge.mjs';
import { SENDS_OF_ALL, Site } from './support/site.mjs';

const RUSH = 12, VERIFY_EVERY = 5, LONG_EVERY = 7, TRIES_PER_CYCLE = 3, REST_MS = 90000, RECOVERY_MS = 60000;
const SLOW = ['kf/send_msg', 'webhook/send', 'externalcontact/send_welcome_msg', 'kf/send_msg_on_event'];
const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

/* mulberry32 */
function generator(seed) {
    let a = seed >>> 0;
    return () => {
        a = (a + 0x6D2B79F5) >>> 0;
        let t = Math.imul(a ^ (a >>> 15), a | 1);
        t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
        return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
}

class Crash {
    constructor({ cycles, seed, siyu, speed, dir }) {
        this.random = generator(seed);
        this.cycles = cycles;
        this.site = new Site({ siyu, dir, speed, random: generator(seed + 1) });
        this.said = [];    // {name, customer, text, sends, ms}
        this.added = [];   // {code}: customers added once
        this.open = [];    // calls that a kill left open
        this.people = this.words = 0;
        this.counted = 0;
        this.stats = { kills: 0, unacknowledged: 0, inFlight: 0 };
    }

    between(low, high) { return Math.floor(low + this.random() * (high - low + 1)); }
    pick(list) { return list[this.between(0, list.length - 1)]; }

    // ---- load ----

    async add() {
        const { done: [{ welcome_code: code }] } =
            await this.site.event('corp', 'contact.added', { customer: `c${++this.people}`, userid: 'zhangsan' });
        this.added.push({ code });
    }

    /* Leaves and comes back, a second apart for the platform: two codes, two events that differ in little else. */
    async addAgain() {
        const customer = `r${++this.people}`, at = Math.floor(this.site.now() / 1000) * 1000;
        const once = { customer, userid: 'zhangsan' };
        await this.site.event('corp', 'contact.added', { ...once, at });
        await this.site.event('corp', 'contact.lost', { ...once, at: at + 1000 });
        await this.site.event('corp', 'contact.added', { ...once, at: at + 2000 });
    }

    async say() {
        const name = this.random() < 0.3 && this.said.length > 0 ? this.pick(this.said).name : `k${++this.people}`;
        const all = this.random() < 0.15, text = `${all ? '全' : '问'} m${++this.words}`, ms = this.site.now();
        const { done: [{ id }] } = await this.site.event('kf', 'kf.message', { customer: name, text });
        this.said.push({ name, customer: id, text, sends: all ? SENDS_OF_ALL : 1, ms });
    }

    async enter() { await this.site.event('kf', 'kf.enter', { customer: `e${++this.people}` }); }

    /* One thing that customers do. */
    act() {
        const dice = this.random();
        return dice < 0.35 ? this.add() : dice < 0.45 ? this.addAgain() : dice < 0.55 ? this.enter() : this.say();
    }

    /* Most calls are slow, so that some are always under way; a few are cut, or processed and not answered. */
    async slowDown() {
        await this.site.control('faults', { fate: 'clear' });
        for (let i = 0; i < 10; i++) {
            const dice = this.random();
            const fate = dice < 0.45 ? 'slow-reply' : dice < 0.85 ? 'delay' : dice < 0.95 ? 'drop-reply' : 'cut';
            await this.site.control('faults', { fate, path: this.pick(SLOW), ms: this.between(50, 400), times: 1 });
        }
        for (const path of SLOW)
            await this.site.control('faults', { fate: this.pick(['slow-reply', 'delay']), path, ms: this.between(20, 90),
                                                times: 1000000 });
    }

    async load(ms) {
        const end = Date.now() + ms;
        while (Date.now() < end) {
            await this.act();
            await sleep(this.between(0, 25));
        }
    }

    // ---- a cycle ----

    /* True when it counts. */
    async cycle(n) {
        const { site } = this;
        await site.startGateway();
        await this.slowDown();
        site.client.resume();
        const long = n % LONG_EVERY === LONG_EVERY - 1; // beyond the time in which recovery decides one by one
        await this.load(long ? RECOVERY_MS / site.speed + 1500 : this.between(200, 900));
        const rush = await this.killInTheRush();
        return this.afterKill(rush.length);
    }

    /* Many things at once, and the kill among them: while the engine sleeps, or at any instant of its work. */
    async killInTheRush() {
        const { site } = this, asleep = this.random() < 0.5, ms = asleep ? this.between(30, 300) : 0;
        if (asleep)
            site.stall(ms);
        const rush = Array.from({ length: RUSH }, () => this.act());
        await sleep(this.between(2, asleep ? ms : 25));
        const unanswered = await site.kill();
        await Promise.all(rush);
        return unanswered;
    }

    async afterKill(unacknowledged) {
        const { site } = this, rows = site.snapshot('at-kill');
        const left = await openCalls(rows);
        this.stats.kills++;
        this.stats.unacknowledged += unacknowledged;
        this.stats.inFlight += left.length;
        await judgeKill({ rows, site, open: this.open });
        judgeLedger(site.ledger(), this.said);
        this.open.push(...left);
        if (this.stats.kills % VERIFY_EVERY === 0)
            await judgeVerify(site);
        return unacknowledged > 0 && left.length > 0;
    }

    async killThemAll() {
        for (let n = 0; this.counted < this.cycles; n++) {
            if (n >= this.cycles * TRIES_PER_CYCLE)
                throw new Error(`only ${this.counted} of ${n} kills found a callback unacknowledged and a delivery in flight`);
            if (await this.cycle(n))
                this.counted++;
            if (n % 10 === 9)
                console.log(`${String(this.counted).padStart(4)} cycles of ${n + 1} kills, ${this.said.length} messages, ` +
                            `${this.open.length} calls left open`);
        }
    }

    // ---- the end ----

    async comeToRest() {
        const { site } = this;
        site.announceNoMore();
        await site.control('faults', { fate: 'clear' });
        await site.startGateway();
        site.client.resume();
        let left = -1;
        await until(() => `${site.client.queue.length} callbacks and ${left} deliveries or events find no end`, async () =>
            site.client.done && (left = await moving(site.live())) === 0, REST_MS, 250);
        await judgeVerify(site);
        const how = await site.stop();
        if (how.code !== 0)
            throw new Violation(`the gateway did not stop in good order: ${JSON.stringify(how)}\n${site.gateway.output.slice(-2000)}`);
    }

    async run() {
        const { site } = this;
        await site.open();
        await this.killThemAll();
        await this.comeToRest();
        await judgeEnd({ rows: site.snapshot('at-end'), site, said: this.said, added: this.added, open: this.open });
        await judgeVerify(site);
    }
}

function options() {
    const { values } = parseArgs({ options: {
        cycles: { type: 'string', default: '30' }, seed: { type: 'string' }, keep: { type: 'boolean', default: false },
        siyu: { type: 'string', default: process.env.SIYU ?? join(root, 'build/siyu') }, speed: { type: 'string', default: '10' },
    } });
    const number = (text) => { if (!/^\d+$/.test(text)) throw new Error(`not a number: ${text}`); return Number(text); };
    return { ...values, cycles: number(values.cycles), speed: number(values.speed), siyu: resolve(values.siyu),
             seed: values.seed === undefined ? Date.now() % 2 ** 31 : number(values.seed) };
}

async function main() {
    const opt = options(), dir = mkdtempSync(join(tmpdir(), 'siyu-crash-')), began = Date.now();
    console.log(`crash: seed ${opt.seed}, ${opt.cycles} cycles`);
    const crash = new Crash({ ...opt, dir });
    let code = 0;
    try {
        await crash.run();
        const { kills, unacknowledged, inFlight } = crash.stats;
        console.log(`crash: clean. ${crash.counted} cycles of ${kills} kills, ${unacknowledged} callbacks unacknowledged and ` +
                    `${inFlight} deliveries in flight at them, ${crash.site.ledger().length} ledger lines, ` +
                    `${Math.round((Date.now() - began) / 1000)} s`);
    } catch (err) {
        code = err instanceof Violation ? 1 : 2;
        console.log(`crash: ${err instanceof Violation ? err.message : err.stack}`);
        console.log(`crash: failed after ${crash.stats.kills} kills; again with --seed ${opt.seed}`);
        if (code === 2)
            console.log(crash.site.gateway?.output.slice(-4000) ?? '');
    } finally {
        await crash.site.close();
        if (opt.keep || code !== 0)
            console.log(`crash: kept ${dir}`);
        else
            rmSync(dir, { recursive: true, force: true });
    }
    process.exitCode = code;
}

await main();
