// SPDX-License-Identifier: Apache-2.0
// A group webhook takes 20 messages in any 60 s, counted when they arrive. We charge before they leave, and some take
// 10 s on their way: an allowance that came back 60 s after its charge would be too early by those 10 s.
import assert from 'node:assert/strict';

import { mostWithin, scenario, tally, until } from './support/world.mjs';
import { LiveFeed } from './support/websocket.mjs';

const MESSAGES = 200, SEND = 'webhook/send';
const numbers = Array.from({ length: MESSAGES }, (_, i) => i + 1);

const playbook = (at) => `
templates:
${numbers.map((n) => `  t${n}: {text: "第${n}条"}`).join('\n')}
broadcasts:
${numbers.map((n) => `  b${n}: {on: hall, at: ${at}, to: {groups: all}, send: t${n}, expires: 4h}`).join('\n')}
`;

scenario('a webhook key is held to 20 per sliding minute with 200 queued and calls that take 10 s', {
    clock: { start: '2026-12-01T10:00', speed: 30 },
    connections: { hall: {} },
    playbook: '',
}, async (w) => {
    const slow = { ms: w.real(10000) }, quick = { ms: 0 };
    const feed = await LiveFeed.open(w.gatewayPort, { token: await w.token() });
    for (let block = 0; block < MESSAGES / 40; block++) { /* a late one, whose successor is quick */
        await w.fault('delay', 'hall', SEND, slow);
        await w.fault('delay', 'hall', SEND, { ...quick, times: 15 });
        await w.fault('slow-reply', 'hall', SEND, slow);
        await w.fault('delay', 'hall', SEND, { ...quick, times: 23 });
    }
    await w.apply(playbook(w.soon(1000)));

    await until('all arrived', () => w.ledger(SEND).length >= MESSAGES, 60000);
    await until('nothing in flight', async () => await w.inState('in_flight') === 0);
    const calls = w.ledger(SEND);
    assert.equal(calls.length, MESSAGES);
    assert.deepEqual([...tally(calls, (l) => l.errcode).keys()], [0]);
    assert.equal(tally(calls, (l) => l.body_sha256).size, MESSAGES);
    const times = calls.map((l) => l.t_ms);
    assert.equal(mostWithin(times, 60000), 20);
    const rounds = MESSAGES / 20, roundMs = 80000; /* the minute, and what a call may take */
    assert.ok(times.at(-1) - times[0] < rounds * roundMs, 'the allowance is used');

    const held = feed.of('delivery').find((l) => l.state === 'held');
    assert.match((await w.cli('why', held.id)).stdout, /limit=wecom\.webhook\.minute used=20 max=20/);
    await w.verifyClean();
});
