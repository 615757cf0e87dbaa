// SPDX-License-Identifier: Apache-2.0
// The acknowledging client. The sandbox hands every callback to it; it seals each anew and pushes it at the gateway
// until a 2xx comes, and some once more after that. Its log is append-only and written before anything else is done with
// an answer, so it says what the gateway has promised, whatever dies.
//
//     what: 'got' from the platform | 'sent' | 'acked' | 'lost' (no 2xx)     id: what the callback carries once
import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { Agent, createServer, request } from 'node:http';

import { envelope, unseal } from './seal.mjs';

const WIDTH = 12, AGAIN_MS = 40, REPEATS_MAX = 2, ANSWER_MS = 20000;

const element = (xml, name) => new RegExp(`<${name}>(?:<!\\[CDATA\\[)?([^\\]<]*)`).exec(xml)?.[1] ?? '';

/* What names the callback in the store: a contact's welcome code. Others are told apart, but not looked for by name. */
function idOf(xml) {
    const code = element(xml, 'WelcomeCode');
    return code || `x-${createHash('sha1').update(xml).digest('hex').slice(0, 16)}`;
}

function bodyOf(incoming) {
    return new Promise((resolve, reject) => {
        const parts = [];
        incoming.on('data', (part) => parts.push(part)).on('error', reject)
            .on('end', () => resolve(Buffer.concat(parts).toString()));
    });
}

export class Client {
    constructor({ port, gatewayPort, connections, logFile, now, random }) {
        Object.assign(this, { port, gatewayPort, connections, logFile, now, random });
        this.log = openSync(logFile, 'a');
        this.queue = [];          // pushes that wait
        this.outstanding = new Set();
        this.running = false;
        this.agent = new Agent({ keepAlive: true, maxSockets: WIDTH });
        this.server = createServer((incoming, answer) => { this.receive(incoming, answer); });
    }

    open() {
        return new Promise((resolve, reject) => this.server.once('error', reject).listen(this.port, '127.0.0.1', resolve));
    }

    close() {
        this.pause();
        this.agent.destroy();
        this.server.closeAllConnections();
        this.server.close();
        closeSync(this.log);
    }

    note(what, push) {
        writeSync(this.log, `${JSON.stringify({ what, id: push.id, connection: push.connection, kind: push.kind })}\n`);
    }

    /* From the sandbox: kept first, then confirmed. */
    async receive(incoming, answer) {
        const connection = incoming.url.split('/')[2].split('?')[0];
        const sealed = element(await bodyOf(incoming), 'Encrypt');
        const xml = unseal(this.connections[connection].aes_key, sealed);
        const push = { connection, xml, id: idOf(xml), kind: element(xml, 'ChangeType') || element(xml, 'Event'),
                       repeats: Math.floor(this.random() * (REPEATS_MAX + 1)) };
        this.note('got', push);
        this.queue.unshift(push); // news before repeats
        answer.end('success');
        this.pump();
    }

    resume() {
        this.running = true;
        this.pump();
    }

    /* No new pushes; those under way end as they end. */
    pause() { this.running = false; }

    async idle() {
        while (this.outstanding.size > 0)
            await new Promise((resolve) => { setTimeout(resolve, 5); });
    }

    pump() {
        while (this.running && this.outstanding.size < WIDTH && this.queue.length > 0)
            this.push(this.queue.shift());
    }

    push(push) {
        const { query, body } = envelope(this.connections[push.connection], push.xml, this.now());
        const out = request({ host: '127.0.0.1', port: this.gatewayPort, method: 'POST', agent: this.agent,
                              path: `/hooks/${push.connection}?${query}`, timeout: ANSWER_MS,
                              headers: { 'Content-Type': 'text/xml', 'Content-Length': Buffer.byteLength(body) } });
        const call = { push, written: false, ended: false };
        this.outstanding.add(call);
        this.note('sent', push);
        out.on('finish', () => { call.written = true; });
        out.on('timeout', () => out.destroy(new Error('timeout')));
        out.on('error', () => this.end(call, false));
        out.on('response', (answer) => {
            const good = answer.statusCode >= 200 && answer.statusCode < 300;
            if (good)
                this.note('acked', push);
            answer.on('error', () => this.end(call, good)).on('close', () => this.end(call, good)).resume();
        });
        out.end(body);
    }

    end(call, acked) {
        if (call.ended)
            return;
        call.ended = true;
        call.acked = acked;
        this.outstanding.delete(call);
        if (!acked) {
            this.note('lost', call.push);
            setTimeout(() => { this.queue.push(call.push); this.pump(); }, AGAIN_MS);
        } else if (call.push.repeats-- > 0) {
            this.queue.push(call.push);
        }
        this.pump();
    }

    /* Everything has been acknowledged, and repeated as often as meant. */
    get done() { return this.queue.length === 0 && this.outstanding.size === 0; }
}

/* What a log says: what was acknowledged, by id; and what came from the platform. */
export function readLog(file) {
    const acked = new Map(), got = new Map();
    for (const line of readFileSync(file, 'utf8').split('\n').filter(Boolean)) {
        const note = JSON.parse(line);
        if (note.what === 'acked')
            acked.set(note.id, note);
        if (note.what === 'got')
            got.set(note.id, note);
    }
    return { acked, got };
}
