// SPDX-License-Identifier: Apache-2.0
// SIGTERM with calls in flight: their outcomes are waited for and recorded, what waits stays queued for the next start,
// and that start need not be careful, as it must be after kill -9.
import assert from 'node:assert/strict';

import { scenario, sleep, tally, until } from './support/world.mjs';

const SEND = 'kf/send_msg';

scenario('a graceful stop records what is in flight and keeps what is queued', {
    connections: { kf: {} },
    seed: { customers: [{ name: '顾客{n}', connection: 'kf', count: 31 }] },
    playbook: `
templates:
  answer: {text: "在的"}
rules:
  - {on: message.received, from: kf, keyword: {any: [你好]}, do: [{send: answer}]}
`,
}, async (w) => {
    const status = async () => (await w.order({ do: 'ask', request: { ask: 'status' } }));
    await w.fault('slow-reply', 'kf', 'send_msg', { ms: 2000, times: -1 });
    await w.event('kf', 'kf.message', { customer: '顾客{n}', text: '你好', count: 30 });
    await w.calls(SEND, 5); /* the platform has them, and is slow to say so */
    assert.equal(await w.inState('in_flight'), 5);

    const started = Date.now(), stopped = w.stopGateway();
    await sleep(300);
    await w.event('kf', 'kf.message', { customer: '顾客31', text: '你好' }); /* meets a closed door */
    await stopped;
    assert.ok(Date.now() - started < 10000);

    const sent = w.ledger(SEND);
    assert.ok(sent.length >= 5 && sent.length < 30, `${sent.length} went out before the end`);
    for (const { to } of sent)
        assert.equal((await w.traces(to[0])).at(-1).what, 'accepted');
    await w.verifyClean();
    await w.fault('clear', 'kf', 'send_msg');
    await w.startGateway();
    assert.equal((await status()).recovering, false);
    await w.calls(SEND, 31, 40000);
    await until('all accepted', async () => await w.inState('accepted') === 31);
    assert.deepEqual([...new Set(tally(w.ledger(SEND), (l) => l.to[0]).values())], [1]);
    assert.equal(tally(w.ledger(SEND), (l) => l.to[0]).size, 31);

    await w.gateway.end('SIGKILL', 1000);
    await w.startGateway();
    assert.equal((await status()).recovering, true, 'and after kill -9 it is careful');
    await w.verifyClean();
});
