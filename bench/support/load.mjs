// SPDX-License-Identifier: Apache-2.0
// A closed loop of keep-alive connections, each with one request in flight, on bare sockets: the client must cost less
// than what it measures.
import { createConnection } from 'node:net';

/* The whole request as bytes. */
export function post(path, body, type = 'text/xml') {
    return Buffer.from(`POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: ${type}\r\n` +
                       `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}

const HEAD_END = Buffer.from('\r\n\r\n');

/* Bytes of the first whole answer in `buffer`; 0: it is not whole yet. */
function answerLength(buffer) {
    const at = buffer.indexOf(HEAD_END);
    if (at < 0)
        return 0;
    const head = buffer.toString('latin1', 0, at), length = /content-length: *(\d+)/i.exec(head);
    if (length)
        return buffer.length >= at + 4 + Number(length[1]) ? at + 4 + Number(length[1]) : 0;
    if (!/transfer-encoding: *chunked/i.test(head))
        return at + 4;
    const end = buffer.indexOf('0\r\n\r\n', at + 4);
    return end < 0 ? 0 : end + 5;
}

/* Sends all of `requests` over `width` connections. `refused`: answers that were not 200. */
export function drive(port, requests, width = 16) {
    return new Promise((resolve, reject) => {
        const micros = new Float64Array(requests.length), began = process.hrtime.bigint();
        let next = 0, ended = 0, refused = 0, sample = '', bytes = 0;
        const connect = () => {
            const socket = createConnection({ port, host: '127.0.0.1', noDelay: true });
            let got = null, at = -1, since = 0n;
            const send = () => {
                if (next === requests.length) {
                    socket.end();
                    return;
                }
                at = next++;
                since = process.hrtime.bigint();
                socket.write(requests[at]);
            };
            socket.on('connect', send).on('error', reject);
            socket.on('close', () => { if (ended < requests.length && at >= 0 && got) reject(new Error('closed early')); });
            socket.on('data', (data) => {
                got = got ? Buffer.concat([got, data]) : data;
                const length = answerLength(got);
                if (length === 0)
                    return;
                micros[at] = Number(process.hrtime.bigint() - since) / 1000;
                bytes += length;
                if (got.toString('latin1', 9, 12) !== '200')
                    refused++;
                sample ||= got.toString('utf8', 0, length);
                got = got.length > length ? got.subarray(length) : null;
                if (++ended === requests.length)
                    resolve({ seconds: Number(process.hrtime.bigint() - began) / 1e9, micros: micros.sort(), refused, sample,
                              bytes });
                send();
            });
        };
        for (let i = 0; i < Math.min(width, requests.length); i++)
            connect();
    });
}

export const percentile = (sorted, p) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))];
