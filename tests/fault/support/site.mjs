// SPDX-License-Identifier: Apache-2.0
// One gateway, one sandbox and the acknowledging client on free ports in a directory of their own, on one fast clock.
// The gateway is killed and started again; sandbox and client live through all of it.
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';

import { Child, freePort, run, until } from '../../scenario/support/process.mjs';
import { Client } from './client.mjs';

const CORP = 'ww1234567890abcdef', AES_KEY = 'QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY';
const MINUTE_MS = 60000, PAST_MINUTES = 12, COMING_MINUTES = 12;
export const WEBHOOKS = ['hall', 'lobby'];
export const SENDS_OF_ALL = 6; // one more than a kf turn has

const connections = {
    corp: { kind: 'wecom', corp_id: CORP, agent_id: 1000002, secret: 'corp-secret', token: 'wecomGatewayTok2026',
            aes_key: AES_KEY },
    kf: { kind: 'wecom-kf', corp_id: CORP, secret: 'kf-secret', token: 'kfTok2026', aes_key: AES_KEY,
          open_kfid: 'wkAJ2GCAAA0001' },
    ...Object.fromEntries(WEBHOOKS.map((name) => [name, { kind: 'wecom-webhook', key: `${name}-key-0001` }])),
};

const bootMs = () => Math.round(Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000);
const shanghaiMinute = (ms) => new Date(ms + 8 * 3600000).toISOString().slice(0, 16);

/* How many announcements a minute has: every third one more than a webhook takes at once. */
function announcements(minute, webhook) {
    return webhook === 'hall' ? (minute % 3 === 0 ? 26 : 2) : 5;
}

export class Site {
    constructor({ siyu, dir, random, speed }) {
        Object.assign(this, { siyu, dir, random, speed, data: join(dir, 'data') });
        this.start = Date.parse('2026-12-01T10:00:00+08:00');
        this.origin = bootMs();
        this.lastMinute = Infinity;  // no announcements from here on
        this.promised = new Map();   // broadcast -> slot: playbooks that were in force well before it
    }

    now() { return this.start + (bootMs() - this.origin) * this.speed; }
    path(...name) { return join(this.dir, ...name); }
    minute() { return Math.floor((this.now() - this.start) / MINUTE_MS); }

    async open() {
        mkdirSync(this.dir, { recursive: true });
        this.gatewayPort = await freePort();
        this.sandboxPort = await freePort();
        this.client = new Client({ port: await freePort(), gatewayPort: this.gatewayPort, connections,
                                   logFile: this.path('client.jsonl'), now: () => this.now(), random: this.random });
        const api = `http://127.0.0.1:${this.sandboxPort}/wecom`;
        writeFileSync(this.path('siyu.yaml'), JSON.stringify({
            listen: `127.0.0.1:${this.gatewayPort}`, data: './data', playbooks: ['playbook.yaml'], testing: true,
            connections: Object.fromEntries(Object.entries(connections).map(([k, c]) => [k, { ...c, api_base: api }])),
            accounts: { zhang: { connection: 'corp', kind: 'wecom.member', userid: 'zhangsan' } },
        }));
        writeFileSync(this.path('sandbox.yaml'), JSON.stringify({
            listen: `127.0.0.1:${this.sandboxPort}`, gateway: `http://127.0.0.1:${this.client.port}`,
            ledger: './ledger.jsonl', connections, seed: { members: [{ userid: 'zhangsan' }] },
        }));
        await this.client.open();
        this.sandbox = this.spawn('sandbox', 'sandbox', '-c', 'sandbox.yaml');
        await this.answers(this.sandbox, `http://127.0.0.1:${this.sandboxPort}/_sandbox/status`);
    }

    async close() {
        for (const child of [this.gateway, this.sandbox])
            await child?.end('SIGKILL', 1000);
        this.client?.close();
    }

    spawn(name, ...args) {
        return new Child(this.siyu, [...args, '--clock', `${this.start}@${this.speed},${this.origin}`],
                         { cwd: this.dir, name });
    }

    async answers(child, url) {
        await until(() => `${child.name} does not answer:\n${child.output}`, async () => {
            if (!child.running)
                throw new Error(`${child.name} ended by itself:\n${child.output.slice(-4000)}`);
            const answer = await fetch(url).catch(() => null);
            await answer?.arrayBuffer();
            return answer?.status === 200;
        }, 30000, 10);
    }

    // ---- the gateway's lives ----

    /* The rules, and the announcements of some minutes around now: a slot that a dead process missed is made up for. */
    writePlaybook() {
        const now = this.minute(), last = Math.min(now + COMING_MINUTES, this.lastMinute);
        const templates = {
            hello: { text: '您好，欢迎' }, one: { text: '收到：{{ event.text }}' },
            ...Object.fromEntries(Array.from({ length: SENDS_OF_ALL }, (_, i) =>
                [`part${i}`, { text: `第${i + 1}条：{{ event.text }}` }])),
        };
        const broadcasts = {};
        for (let m = Math.max(1, now - PAST_MINUTES); m < last; m++)
            for (const webhook of WEBHOOKS)
                for (let k = 0; k < announcements(m, webhook); k++) {
                    const name = `${webhook}-${m}-${k}`;
                    templates[name] = { text: `公告 ${name}` };
                    broadcasts[name] = { on: webhook, at: shanghaiMinute(this.start + m * MINUTE_MS), missed: 'once',
                                         to: { groups: 'all' }, send: name };
                }
        writeFileSync(this.path('playbook.yaml'), JSON.stringify({
            playbook: 'crash', timezone: 'Asia/Shanghai', templates,
            rules: [
                { id: 'hello', on: 'contact.added', from: 'zhang', do: [{ send: 'hello' }, { tag: 'new' }] },
                { id: 'entered', on: 'kf.entered', from: 'kf', do: [{ send: 'hello' }] },
                { id: 'one', on: 'message.received', from: ['kf'], keyword: { prefix: ['问'] }, do: [{ send: 'one' }] },
                { id: 'all', on: 'message.received', from: ['kf'], keyword: { prefix: ['全'] },
                  do: Array.from({ length: SENDS_OF_ALL }, (_, i) => ({ send: `part${i}` })) },
            ],
            ...(Object.keys(broadcasts).length > 0 && { broadcasts }),
        }, null, 1));
        return Object.keys(broadcasts).map((name) => [name, this.start + Number(name.split('-')[1]) * MINUTE_MS]);
    }

    async startGateway() {
        this.planned = this.writePlaybook();
        this.gateway = this.spawn('gateway', 'run', '-c', 'siyu.yaml');
        await this.answers(this.gateway, `http://127.0.0.1:${this.gatewayPort}/readyz`);
        this.readyMs = this.now();
    }

    /* The announcements that a playbook in force had when their minute came, or will have made up for. */
    keepPromises() {
        const inForceMs = this.readyMs + 1000 * this.speed;
        if (this.now() >= inForceMs)
            for (const [name, slotMs] of this.planned)
                if (slotMs >= inForceMs)
                    this.promised.set(name, slotMs);
    }

    /* From the next start on nothing new is announced: what was planned for later is taken back. */
    announceNoMore() {
        this.lastMinute = this.minute() + 1;
        for (const [name, slotMs] of this.promised)
            if (slotMs >= this.start + this.lastMinute * MINUTE_MS)
                this.promised.delete(name);
    }

    /* Ends the process as a power cut does, and waits until it is gone. Gives the pushes that it left without answer. */
    async kill() {
        const { client } = this;
        const open = [...client.outstanding].filter((call) => call.written);
        this.gateway.signal('SIGKILL');
        client.pause();
        await this.gateway.exited;
        await client.idle();
        this.keepPromises();
        return open.filter((call) => !call.acked);
    }

    async stop() {
        const how = await this.gateway.end('SIGTERM', 40000);
        this.keepPromises();
        return how;
    }

    /* The engine thread sleeps; the answer is not waited for. */
    stall(ms) {
        const socket = createConnection(join(this.data, 'siyu.sock'));
        socket.on('error', () => {}).on('connect', () => socket.end(`${JSON.stringify({ do: 'stall', ms })}\n`)).resume();
    }

    verify() { return run(this.siyu, ['verify', '-c', 'siyu.yaml', '--json'], { cwd: this.dir, withinMs: 60000 }); }

    // ---- the platform ----

    async control(path, body) {
        const answer = await fetch(`http://127.0.0.1:${this.sandboxPort}/_sandbox/${path}`,
                                   { method: 'POST', body: JSON.stringify(body) });
        const text = await answer.text();
        if (answer.status !== 200)
            throw new Error(`the sandbox refuses ${path} ${JSON.stringify(body)}: ${text}`);
        return JSON.parse(text);
    }

    event(connection, kind, more) { return this.control('events', { connection, kind, ...more }); }

    /* Complete lines only: the sandbox lives on while we read. */
    ledger() {
        const text = readFileSync(this.path('ledger.jsonl'), 'utf8');
        return text.slice(0, text.lastIndexOf('\n') + 1).split('\n').filter(Boolean).map((l) => JSON.parse(l));
    }

    // ---- the store ----

    /* A copy of what is on disk: reading the dead store itself would repair it before the gateway does. */
    snapshot(name) {
        const to = this.path(name);
        rmSync(to, { recursive: true, force: true });
        mkdirSync(to);
        for (const file of readdirSync(this.data).filter((f) => !f.endsWith('.sock') && !f.endsWith('-shm')))
            copyFileSync(join(this.data, file), join(to, file));
        return new Rows(to);
    }

    /* What is on disk while the gateway runs, through one more reader. */
    live() { return new Rows(this.data, '-readonly'); }
}

/* SQL over a store, by its command line tool. */
export class Rows {
    constructor(dir, ...flags) { Object.assign(this, { dir, flags }); }

    async ask(sql) {
        const { code, stdout, stderr } = await run('sqlite3', [...this.flags, '-json', join(this.dir, 'siyu.db'), sql],
                                                   { withinMs: 60000 });
        if (code !== 0)
            throw new Error(`sqlite3: ${stderr}`);
        return JSON.parse(stdout || '[]');
    }

    async count(sql) { return (await this.ask(sql))[0].n; }

    /* Events that were acknowledged while the engine did not answer are here until it does. */
    spooled() {
        return readdirSync(this.dir).filter((f) => f.includes('spool')).map((f) => join(this.dir, f))
            .filter((f) => existsSync(f)).map((f) => readFileSync(f, 'utf8')).join('');
    }
}
