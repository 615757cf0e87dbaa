// SPDX-License-Identifier: Apache-2.0
// A welcome code lives 20 s. A broadcast whose every text is personal is one call a customer, on the same account, and
// the provider hangs on each: the welcome must not stand behind it.
import assert from 'node:assert/strict';

import { scenario, sleep, until } from './support/world.mjs';

const rules = `
templates:
  hello: {text: "{{ contact.name | default: '您好' }}，欢迎"}
  spring: {text: "{{ contact.name | default: '亲爱的会员' }} {{ contact.id }}，春季新品到店"}
rules:
  - {on: contact.added, from: zhang, do: [{send: hello}, {tag: new}]}
`;

scenario('welcome inside 20 s while 20,000 broadcast deliveries are queued', {
    clock: { start: '2026-12-01T10:00', speed: 3 },
    connections: { corp: {} },
    accounts: { zhang: { connection: 'corp', kind: 'wecom.member', userid: 'zhangsan' } },
    seed: { members: [{ userid: 'zhangsan' }] },
    playbook: rules,
    timeoutMs: 180000,
}, async (w) => {
    await w.befriend('客户', 20500);
    await w.fault('delay', 'corp', 'add_msg_template', { ms: 4500, times: -1 });

    await w.apply(`${rules}
broadcasts:
  spring: {on: zhang, at: ${w.soon(2000)}, to: {contacts: {tag: new}}, send: spring}
`);
    await until('20,000 queued', async () => await w.inState('queued') >= 20000, 60000, 100);

    for (let i = 1; i <= 20; i++) {
        await w.event('corp', 'contact.added', { customer: `新客${i}`, userid: 'zhangsan' });
        await sleep(100);
    }
    const welcomes = await w.calls('externalcontact/send_welcome_msg', 20);
    assert.ok(await w.inState('queued') >= 20000);
    assert.deepEqual(welcomes.map((l) => l.errcode), new Array(20).fill(0));
    const pushes = w.ledger('push').slice(-20);
    assert.ok(pushes.every((l) => l.acknowledged && l.attempt === 1));
    const waited = pushes.map((l, i) => welcomes[i].t_ms - (l.t_ms - l.ms * w.clock.speed));
    assert.ok(Math.max(...waited) < 6000, `the longest wait was ${Math.max(...waited)} ms`);
});
