// SPDX-License-Identifier: Apache-2.0
// WeCom repeats a callback that it believes lost, and many customers may be added in one second.
import assert from 'node:assert/strict';

import { scenario, tally, until } from './support/world.mjs';

scenario('50 adds with one CreateTime, each pushed three times, are 50 welcomes', {
    connections: { corp: {} },
    accounts: { zhang: { connection: 'corp', kind: 'wecom.member', userid: 'zhangsan' } },
    seed: { members: [{ userid: 'zhangsan' }] },
    playbook: `
templates:
  hello: {text: "{{ contact.name | default: '您好' }}，欢迎"}
rules:
  - {on: contact.added, do: [{send: hello}, {tag: new}]}
`,
}, async (w) => {
    await w.event('corp', 'contact.added', { customer: '客户{n}', userid: 'zhangsan', count: 50, times: 3 });
    await until('150 pushes acknowledged', () => w.ledger('push').filter((l) => l.acknowledged).length === 150);
    await w.calls('externalcontact/send_welcome_msg', 50);
    await w.stopGateway();

    const welcomes = w.ledger('externalcontact/send_welcome_msg');
    assert.equal(welcomes.length, 50);
    assert.deepEqual([...new Set(welcomes.map((l) => l.errcode))], [0]);
    assert.equal(tally(welcomes, (l) => l.to[0]).size, 50);
    const found = await w.verifyClean();
    assert.equal(found.events, 50);
    assert.equal(found.deliveries, 50);
    const trace = (await w.traces(welcomes[0].to[0])).map((t) => t.what);
    assert.deepEqual(trace, ['event', 'rule', 'planned', 'tagged', 'charged', 'accepted']);
});
