// SPDX-License-Identifier: Apache-2.0
// A WebSocket client just large enough for the live feed: text frames, pings, close.
import { createHash, randomBytes } from 'node:crypto';
import { createConnection } from 'node:net';

import { parseJson } from './world.mjs';

const TEXT = 1, CLOSE = 8, PING = 9, PONG = 10;
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/* A short masked frame, as clients must send them. */
function frame(opcode, payload) {
    const mask = randomBytes(4);
    return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length]), mask, payload.map((b, i) => b ^ mask[i % 4])]);
}

/* One whole frame at the start of `bytes`, or null. */
function readFrame(bytes) {
    if (bytes.length < 2)
        return null;
    const short = bytes[1] & 0x7f;
    const head = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (bytes.length < head)
        return null;
    const length = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
    if (bytes.length < head + length)
        return null;
    return { opcode: bytes[0] & 0x0f, payload: bytes.subarray(head, head + length), bytes: head + length };
}

export class LiveFeed {
    lines = [];     /* what was told, parsed */
    closed = false;

    /* Answers the feed, or throws an error with `status` when the gateway refuses the upgrade. */
    static open(port, { token, path = '/api/v1/live', host = '127.0.0.1' } = {}) {
        const feed = new LiveFeed();
        const key = randomBytes(16).toString('base64');
        return new Promise((done, fail) => {
            feed.rest = Buffer.alloc(0);
            feed.socket = createConnection(port, host, () => feed.socket.write(
                `GET ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
                `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n` +
                `${token ? `Authorization: Bearer ${token}\r\n` : ''}\r\n`));
            feed.socket.on('error', fail);
            feed.socket.on('close', () => { feed.closed = true; fail(new Error('closed before the upgrade')); });
            feed.socket.on('data', (bytes) => {
                feed.rest = Buffer.concat([feed.rest, bytes]);
                if (!feed.upgraded)
                    feed.onHead(key, done, fail);
                if (feed.upgraded)
                    feed.onBytes();
            });
        });
    }

    onHead(key, done, fail) {
        const end = this.rest.indexOf('\r\n\r\n');
        if (end < 0)
            return;
        const head = this.rest.subarray(0, end).toString('latin1');
        const status = Number(head.split(' ')[1]);
        const wanted = createHash('sha1').update(key + GUID).digest('base64');
        if (status !== 101 || !head.toLowerCase().includes(`sec-websocket-accept: ${wanted.toLowerCase()}`)) {
            this.socket.destroy();
            fail(Object.assign(new Error(`no upgrade: ${head.split('\r\n')[0]}`), { status }));
            return;
        }
        this.upgraded = true;
        this.rest = this.rest.subarray(end + 4);
        done(this);
    }

    onBytes() {
        for (let one; (one = readFrame(this.rest)); this.rest = this.rest.subarray(one.bytes)) {
            if (one.opcode === TEXT)
                this.lines.push(parseJson(one.payload.toString('utf8')));
            else if (one.opcode === PING)
                this.socket.write(frame(PONG, one.payload));
            else if (one.opcode === CLOSE)
                this.socket.end(frame(CLOSE, one.payload));
        }
    }

    /* Lines of that type so far. */
    of(type) { return this.lines.filter((l) => l.type === type); }

    close() { this.socket.destroy(); }
}
