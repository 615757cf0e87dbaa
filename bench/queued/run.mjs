#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// A start with a million queued deliveries: time from exec to the first message at the provider, and resident memory
// then and 5 s later. Floor: the same gateway with one queued delivery.
//
//   bench/queued/run.mjs [--deliveries 1000000]
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';

import { freePort, sleep } from '../../tests/scenario/support/process.mjs';
import { residentBytes } from '../support/cost.mjs';
import { ANSWER, queue } from '../support/queue.mjs';
import { bench, siyu, start, table } from '../support/site.mjs';

const { values } = parseArgs({ options: { deliveries: { type: 'string', default: '1000000' } } });
const MANY = Number(values.deliveries), SETTLE_MS = 5000;

/* Answers everything; `first` is when the first message came. */
async function provider() {
    const port = await freePort();
    let seen;
    const first = new Promise((resolve) => { seen = resolve; });
    const server = createServer((incoming, answer) => {
        if (incoming.url.includes('send_msg'))
            seen(process.hrtime.bigint());
        incoming.resume();
        answer.setHeader('Content-Type', 'application/json');
        answer.end(ANSWER);
    });
    await new Promise((resolve) => { server.listen(port, '127.0.0.1', resolve); });
    return { port, first, close: () => { server.closeAllConnections(); server.close(); } };
}

async function measure(n) {
    const result = { n };
    await bench(async (world) => {
        const api = await provider();
        await queue(world, n, api.port);
        const began = process.hrtime.bigint();
        const gateway = start(world, 'siyu', siyu, ['run', '-c', 'siyu.yaml']);
        result.seconds = Number(await api.first - began) / 1e9;
        result.then = residentBytes(gateway.pid);
        await sleep(SETTLE_MS);
        result.later = residentBytes(gateway.pid);
        await gateway.end('SIGKILL', 1000);
        api.close();
    });
    return result;
}

const floor = await measure(1), full = await measure(MANY);
const megabytes = (bytes) => (bytes / 1e6).toFixed(1);
console.log('queued: from exec to the first send');
table([['queued', 'first send s', 'resident MB then', `${SETTLE_MS / 1000} s later`],
       ...[floor, full].map((r) => [r.n.toLocaleString('en-US'), r.seconds.toFixed(3), megabytes(r.then), megabytes(r.later)])]);
console.log(`ratio: ${(full.later / floor.later).toFixed(2)} times the memory and ${(full.seconds / floor.seconds).toFixed(2)} times ` +
            `the time of a start with one; ${((full.later - floor.later) / MANY).toFixed(1)} bytes a queued delivery`);
