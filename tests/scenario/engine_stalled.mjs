// SPDX-License-Identifier: Apache-2.0
// The engine thread stands still (a disk that hangs, say) while the platforms give an answer 5 s. Events are then
// acknowledged from a spool on its own thread and decided when the engine is back, even by the next process.
import assert from 'node:assert/strict';

import { scenario, sleep, tally, until } from './support/world.mjs';

const WELCOME = 'externalcontact/send_welcome_msg', CUSTOM = 'message/custom/send';

const world = {
    connections: { corp: {}, kf: {}, brand: {} },
    accounts: { zhang: { connection: 'corp', kind: 'wecom.member', userid: 'zhangsan' } },
    seed: { members: [{ userid: 'zhangsan' }],
            customers: [{ name: '顾客{n}', connection: 'kf', count: 5 }, { name: '粉丝{n}', connection: 'brand', count: 5 }] },
    playbook: `
templates:
  hello: {text: "您好"}
rules:
  - {on: contact.added, from: zhang, do: [{send: hello}]}
  - {on: message.received, from: [kf, brand], keyword: {any: [你好]}, do: [{send: hello}]}
`,
};

/* 20 customers come, some twice, 5 write to the kf entry, 5 to the official account. */
async function rush(w) {
    await w.event('corp', 'contact.added', { customer: '甲{n}', userid: 'zhangsan', count: 10 });
    await w.event('corp', 'contact.added', { customer: '乙{n}', userid: 'zhangsan', count: 10, times: 2 });
    await w.event('kf', 'kf.message', { customer: '顾客{n}', text: '你好', count: 5 });
    await w.event('brand', 'official.message', { customer: '粉丝{n}', text: '你好', count: 5 });
}

async function allAcknowledged(w) {
    await until('all acknowledged', () => w.ledger('push').filter((l) => l.acknowledged).length === 40, 10000);
    const pushes = w.ledger('push');
    assert.equal(pushes.length, 40, 'nothing was pushed again');
    assert.ok(Math.max(...pushes.map((l) => l.ms)) < 5000);
}

/* Every event was decided once, and everybody was answered once. */
async function allAnswered(w, welcomes = 20) {
    await w.calls('kf/send_msg', 5);
    await w.calls(CUSTOM, 5);
    await until('decided', async () => (await w.metrics())['siyu_events{state="decided"}'] === 30);
    await until('nothing is open', async () => await w.inState('queued') + await w.inState('in_flight') === 0);
    await w.stopGateway();
    const accepted = [WELCOME, 'kf/send_msg', CUSTOM].flatMap((op) => w.ledger(op).filter((l) => l.errcode === 0));
    assert.equal(accepted.length, welcomes + 10);
    assert.deepEqual([...new Set(tally(accepted, (l) => l.to[0]).values())], [1]);
    assert.equal(w.ledger('passive').length, 0, 'an empty answer was given: nothing may be said passively');
    const found = await w.verifyClean();
    assert.deepEqual([found.events, found.undecided], [30, 0]);
}

scenario('events that meet an engine at rest for 10 s are answered in time and decided afterwards', world, async (w) => {
    await w.order({ do: 'stall', ms: 10000 });
    await rush(w);
    await allAcknowledged(w);
    assert.equal(w.ledger(WELCOME).length, 0, 'the engine does stand still');
    const spooled = await w.calls(WELCOME, 20).then(() => w.metrics());
    assert.ok(spooled.siyu_spooled_total >= 35, `${spooled.siyu_spooled_total} from the spool`);
    await allAnswered(w);
});

scenario('kill -9 while the engine stands still: the next process decides what the spool holds', world, async (w) => {
    await w.order({ do: 'stall', ms: 60000 });
    await rush(w);
    await allAcknowledged(w);
    await w.gateway.end('SIGKILL', 1000);
    await w.startGateway();
    await allAnswered(w);
});

scenario('a minute of rest: welcomes are too late and end so, all else is done', {
    ...world, skip: process.env.SIYU_LONG ? false : 'takes a minute: SIYU_LONG=1',
}, async (w) => {
    await w.order({ do: 'stall', ms: 60000 });
    await rush(w);
    await allAcknowledged(w);
    await sleep(50000);
    await allAnswered(w, 0);
});
