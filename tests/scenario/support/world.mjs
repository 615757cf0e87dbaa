// SPDX-License-Identifier: Apache-2.0
// `siyu run` and `siyu sandbox` on free ports in a directory of their own. Everything is asked from outside: HTTP, the
// control socket, the command line, and the sandbox's ledger, which is the judge.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

import { Child, freePort, run, sleep, until } from './process.mjs';

export { sleep, until };

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
export const siyu = process.env.SIYU ?? join(root, 'build/siyu');

const CORP = 'ww1234567890abcdef';
const AES_KEY = 'QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY';

/* What both sides know of each connection; `base` is where the sandbox plays it. */
const kinds = {
    corp: { base: 'wecom', kind: 'wecom', corp_id: CORP, agent_id: 1000002, secret: 'corp-secret',
            token: 'wecomGatewayTok2026', aes_key: AES_KEY },
    kf: { base: 'wecom', kind: 'wecom-kf', corp_id: CORP, secret: 'kf-secret', token: 'kfTok2026', aes_key: AES_KEY,
          open_kfid: 'wkAJ2GCAAA0001' },
    hall: { base: 'wecom', kind: 'wecom-webhook', key: 'hall-key-0001' },
    brand: { base: 'official', kind: 'official', appid: 'wx1234567890abcdef', secret: 'brand-secret',
             token: 'gw_oa_token', aes_key: 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG', mode: 'safe',
             account_type: 'service' },
    sms: { base: 'aliyun', kind: 'sms-aliyun', access_key_id: 'testId', access_key_secret: 'testSecret',
           signature: '花间集', path_key: 'sms-path-key' },
};

/* Our ids are 63 bits, more than a JavaScript number holds: they become strings. */
export function parseJson(text) {
    return JSON.parse(text.replace(/([:[,]\s*)(-?\d{16,})(?=\s*[,}\]])/g, '$1"$2"'));
}

/* Milliseconds of CLOCK_BOOTTIME, as both programs count them. */
function bootMs() {
    return Math.round(Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000);
}

/* "2026-12-01T10:00" of Shanghai, in ms since 1970. */
export function shanghai(text) {
    return Date.parse(`${text}${text.length === 16 ? ':00' : ''}+08:00`);
}

class World {
    constructor(options) {
        this.options = options;
        this.dir = mkdtempSync(join(tmpdir(), 'siyu-scenario-'));
        this.data = join(this.dir, 'data');
        this.children = [];
        if (options.clock)
            this.clock = { ...options.clock, origin: bootMs(), start: shanghai(options.clock.start) };
    }

    path(name) { return join(this.dir, name); }

    /* The time both sides go by. */
    now() {
        return this.clock ? this.clock.start + (bootMs() - this.clock.origin) * this.clock.speed : Date.now();
    }

    /* A whole minute at least `leadMs` of real time from now, as a playbook writes it. */
    soon(leadMs) {
        const at = Math.ceil((this.now() + leadMs * (this.clock?.speed ?? 1)) / 60000) * 60000;
        return new Date(at + 8 * 3600000).toISOString().slice(0, 16);
    }

    /* Real time that passes while both sides' clock moves by `ms`. */
    real(ms) { return Math.ceil(ms / (this.clock?.speed ?? 1)); }

    // ---- files and processes ----

    connection(name) { return { ...kinds[name], ...this.options.connections[name] }; }

    async writeFiles() {
        const { options } = this;
        const ours = {}, theirs = {};
        this.gatewayPort = await freePort();
        this.sandboxPort = await freePort();
        for (const [name, extra] of Object.entries(options.connections)) {
            const { base, ...shared } = kinds[extra.like ?? name];
            const { like, ours: only = {}, ...more } = extra;
            theirs[name] = { ...shared, ...more };
            ours[name] = { ...theirs[name], ...only, api_base: `http://127.0.0.1:${this.sandboxPort}/${base}` };
        }
        this.playbook(options.playbook);
        writeFileSync(this.path('siyu.yaml'), JSON.stringify({
            listen: `127.0.0.1:${this.gatewayPort}`, data: './data', playbooks: ['playbook.yaml'], testing: true,
            connections: ours, accounts: options.accounts ?? {}, ...options.siyu,
        }, null, 1));
        writeFileSync(this.path('sandbox.yaml'), JSON.stringify({
            listen: `127.0.0.1:${this.sandboxPort}`, gateway: `http://127.0.0.1:${this.gatewayPort}`,
            ledger: './ledger.jsonl', connections: theirs, ...(options.seed && { seed: options.seed }),
            ...options.sandbox,
        }, null, 1));
    }

    playbook(text, name = 'playbook.yaml') {
        writeFileSync(this.path(name), `playbook: scenario\ntimezone: Asia/Shanghai\n${text}`);
        return this.path(name);
    }

    start(name, ...args) {
        const clock = this.clock ? ['--clock', `${this.clock.start}@${this.clock.speed},${this.clock.origin}`] : [];
        const child = new Child(siyu, [...args, ...clock], { cwd: this.dir, name });
        this.children.push(child);
        return child;
    }

    async startSandbox() {
        this.sandbox = this.start('sandbox', 'sandbox', '-c', 'sandbox.yaml');
        await this.answers(this.sandbox, `http://127.0.0.1:${this.sandboxPort}/_sandbox/status`);
    }

    async startGateway() {
        this.gateway = this.start('gateway', 'run', '-c', 'siyu.yaml');
        await this.answers(this.gateway, this.url('/readyz'));
    }

    async answers(child, url) {
        await until(() => `${child.name} does not answer:\n${child.output}`, async () => {
            assert.ok(child.running, `${child.name} ended:\n${child.output}`);
            const answer = await fetch(url).catch(() => null);
            await answer?.arrayBuffer();
            return answer?.status === 200;
        }, 20000, 20);
    }

    /* The orderly end: exit 0, in time. */
    async stopGateway() {
        const how = await this.gateway.end('SIGTERM', 60000);
        assert.deepEqual(how, { code: 0, signal: null }, this.gateway.output);
    }

    async close() {
        for (const child of this.children.reverse())
            await child.end('SIGKILL', 1000);
        rmSync(this.dir, { recursive: true, force: true });
    }

    // ---- the gateway ----

    url(path) { return `http://127.0.0.1:${this.gatewayPort}${path}`; }

    /* One order over the control socket. */
    order(request) {
        return new Promise((done, fail) => {
            const socket = createConnection(join(this.data, 'siyu.sock'), () => socket.write(`${JSON.stringify(request)}\n`));
            let line = '';
            socket.setEncoding('utf8').on('error', fail);
            socket.on('data', (text) => {
                line += text;
                if (line.endsWith('\n')) {
                    socket.end();
                    done(parseJson(line));
                }
            });
            socket.setTimeout(90000, () => socket.destroy(new Error('the gateway took no order')));
        });
    }

    cli(...args) { return run(siyu, [args[0], '-c', 'siyu.yaml', ...args.slice(1)], { cwd: this.dir, withinMs: 60000 }); }

    /* The people of that name, each with its trace. */
    async why(name) {
        const { code, stdout, stderr } = await this.cli('why', '--json', String(name));
        assert.equal(code, 0, stderr);
        return parseJson(stdout);
    }

    /* Every trace of that person in order; `what` keeps some. */
    async traces(name, what) {
        const people = await this.why(name);
        return people.flatMap((p) => p.trace).filter((t) => !what || t.what === what);
    }

    async verifyClean() {
        const { code, stdout, stderr } = await this.cli('verify', '--json');
        const found = parseJson(stdout || '{}');
        assert.deepEqual({ code, violations: found.violations }, { code: 0, violations: [] }, stderr);
        return found;
    }

    /* Sums of /metrics by name and labels. */
    async metrics() {
        const text = await (await fetch(this.url('/metrics'))).text();
        return Object.fromEntries(text.split('\n').filter((l) => l && !l.startsWith('#')).map((l) => {
            const at = l.lastIndexOf(' ');
            return [l.slice(0, at), Number(l.slice(at + 1))];
        }));
    }

    /* The most memory the gateway ever had. */
    peakBytes() {
        return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${this.gateway.pid}/status`, 'utf8'))[1]) * 1024;
    }

    async apply(text, name = 'playbook.yaml') {
        const { code, stderr } = await this.cli('apply', this.playbook(text, name));
        assert.equal(code, 0, stderr);
    }

    async token(role = 'viewer') {
        const { code, stdout, stderr } = await this.cli('token', 'create', '--role', role);
        assert.equal(code, 0, stderr);
        return stdout.trim();
    }

    /* How many deliveries are in that state. */
    async inState(state) { return (await this.metrics())[`siyu_deliveries{state="${state}"}`]; }

    /* The customers of `connection` become known to the gateway, `count` of them named `name1`, `name2`, ... */
    async befriend(name, count, userid = 'zhangsan', connection = 'corp') {
        const before = this.ledger('push').filter((l) => l.acknowledged).length;
        const { done } = await this.event(connection, 'contact.added',
                                          { customer: `${name}{n}`, userid, count, welcome: false });
        await until(`${count} customers known`,
                    () => this.ledger('push').filter((l) => l.acknowledged).length >= before + count, 120000);
        return done;
    }

    // ---- the sandbox ----

    async control(path, body) {
        const answer = await fetch(`http://127.0.0.1:${this.sandboxPort}/_sandbox/${path}`,
                                   { method: 'POST', body: JSON.stringify(body) });
        const text = await answer.text();
        assert.equal(answer.status, 200, `${path} ${JSON.stringify(body)}: ${text}`);
        return JSON.parse(text);
    }

    event(connection, kind, more) { return this.control('events', { connection, kind, ...more }); }
    fault(fate, connection, path, more) { return this.control('faults', { fate, connection, path, ...more }); }

    /* Complete lines of the ledger, in the order in which the platforms did things. */
    ledger(op, connection) {
        const file = this.path('ledger.jsonl');
        if (!existsSync(file))
            return [];
        if (this.read?.bytes !== statSync(file).size) {
            const text = readFileSync(file, 'utf8');
            const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n').filter(Boolean).map((l) => JSON.parse(l));
            this.read = { bytes: Buffer.byteLength(text), lines };
        }
        return this.read.lines.filter((l) => (!op || l.op === op) && (!connection || l.connection === connection));
    }

    /* Waits until the ledger has `n` lines of that kind, and gives them. */
    async calls(op, n, withinMs) {
        await until(() => `${n} ${op} in the ledger, there are ${this.ledger(op).length}`,
                    () => this.ledger(op).length >= n, withinMs);
        return this.ledger(op);
    }
}

/* How often each value of `of` occurs. */
export function tally(list, of) {
    const counts = new Map();
    for (const one of list)
        counts.set(of(one), (counts.get(of(one)) ?? 0) + 1);
    return counts;
}

/* The most of `times` (ms, any order) that fall into one window of `spanMs`, ends excluded. */
export function mostWithin(times, spanMs) {
    const sorted = [...times].sort((a, b) => a - b);
    let most = 0;
    for (let first = 0, last = 0; last < sorted.length; last++) {
        while (sorted[last] - sorted[first] >= spanMs)
            first++;
        most = Math.max(most, last - first + 1);
    }
    return most;
}

/* One scenario: `options` describe the world (connections, accounts, playbook, seed, clock, siyu, sandbox), `play` is
 * given it with both programs running, unless `idle` asks to start them itself. A failure tells what they said last. */
export function scenario(name, options, play) {
    test(name, { timeout: options.timeoutMs ?? 120000, skip: options.skip }, async () => {
        const w = new World(options);
        try {
            await w.writeFiles();
            if (!options.idle) {
                await w.startSandbox();
                await w.startGateway();
            }
            await play(w);
        } catch (err) {
            for (const child of w.children)
                console.error(`---- ${child.name} said last:\n${child.output.slice(-4000)}`);
            throw err;
        } finally {
            await w.close();
        }
    });
}
