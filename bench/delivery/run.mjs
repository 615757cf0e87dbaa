#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// A delivery all the way: picked, judged, charged and marked in flight (committed), sent over HTTP to nginx, its outcome
// committed. Floor: the bare libcurl multi loop, as many posts of the same size to the same nginx, as many at once.
//
//   bench/delivery/run.mjs [--deliveries 6000] [--floor build/bench/bench_delivery_floor]
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';

import { run, until } from '../../tests/scenario/support/process.mjs';
import { costOf } from '../support/cost.mjs';
import { ANSWER, queue } from '../support/queue.mjs';
import { bench, metrics, siyu, start, startNginx, table, thousands } from '../support/site.mjs';

const KF_CONCURRENCY = 5; // the rule pack's, for one kf account
const { values } = parseArgs({ options: { deliveries: { type: 'string', default: '6000' },
                                          floor: { type: 'string', default: join(dirname(siyu), 'bench/bench_delivery_floor') } } });
const DELIVERIES = Number(values.deliveries);
const BODY = JSON.stringify({ touser: 'wm000000000000000001000001', open_kfid: 'wkAJ2GCAAA0001', msgid: 'sy1000000001',
                              msgtype: 'text', text: { content: '您的订单已发货，点击查看物流' } });

/* Instructions of a whole command, its start included: some thousands of posts make that small. */
async function costOfCommand(file, args) {
    const began = process.hrtime.bigint();
    const { code, stderr } = await run('perf', ['stat', '-x', ',', '-e', 'instructions:u,instructions:k,task-clock', file, ...args],
                                       { withinMs: 120000 });
    if (code !== 0)
        throw new Error(`${file}: ${stderr}`);
    const of = (event) => {
        const line = stderr.split('\n').map((l) => l.split(',')).find((f) => f[2]?.startsWith(event));
        return line && /^[\d.]+$/.test(line[0]) ? Number(line[0]) : null;
    };
    return { user: of('instructions:u'), kernel: of('instructions:k'), cpu: of('task-clock') / 1000,
             seconds: Number(process.hrtime.bigint() - began) / 1e9 };
}

/* perf sees the process from its start, for the first batch is already part of the work. What a start costs without work
 * is taken off. */
async function ours(world, expected) {
    const file = start(world, 'siyu', siyu, ['run', '-c', 'siyu.yaml']);
    const began = process.hrtime.bigint();
    const cost = await costOf(file.pid, () => until('the queue to empty', async () => {
        const m = await metrics(world).catch(() => null);
        return m && !m['siyu_deliveries{state="queued"}'] && !m['siyu_deliveries{state="in_flight"}'] &&
               !m['siyu_deliveries{state="held"}'] && m;
    }, 120000, 100));
    const accepted = cost.answer['siyu_deliveries{state="accepted"}'] ?? 0;
    if (accepted !== expected)
        throw new Error(`${accepted} of ${expected} deliveries were accepted`);
    await file.end('SIGTERM', 20000);
    return { ...cost, seconds: Number(process.hrtime.bigint() - began) / 1e9, batches: cost.answer.siyu_batches_total };
}

const minus = (a, b) => Object.fromEntries(['user', 'kernel', 'cpu', 'seconds', 'batches'].map(
    (key) => [key, a[key] === null ? null : a[key] - b[key]]));

await bench(async (world) => {
    const nginx = await startNginx(world, ANSWER);
    await queue(world, 0, nginx.port);
    const idle = await ours(world, 0);
    await queue(world, DELIVERIES, nginx.port);
    const mine = minus(await ours(world, DELIVERIES), idle);
    const floor = await costOfCommand(values.floor, [`http://127.0.0.1:${nginx.port}/cgi-bin/kf/send_msg?access_token=T`,
                                                     String(DELIVERIES), String(KF_CONCURRENCY), BODY]);
    const row = (name, c) => [name, thousands(c.user === null ? null : (c.user + c.kernel) / DELIVERIES),
                              thousands(c.user === null ? null : c.user / DELIVERIES),
                              thousands(c.kernel === null ? null : c.kernel / DELIVERIES), (c.cpu / DELIVERIES * 1e6).toFixed(1),
                              thousands(DELIVERIES / c.seconds), c.batches ? (c.batches / DELIVERIES).toFixed(3) : '-'];
    console.log(`delivery: ${DELIVERIES} replies of one kf account, ${KF_CONCURRENCY} in flight`);
    table([['', 'instructions', 'user', 'kernel', 'cpu us', 'deliveries/s', 'commits/delivery'],
           row('libcurl', floor), row('siyu', mine)]);
    const of = (c) => (c.user === null ? c.cpu : c.user + c.kernel);
    console.log(`ratio: ${(of(mine) / of(floor)).toFixed(1)} times the bare libcurl loop`);
});
