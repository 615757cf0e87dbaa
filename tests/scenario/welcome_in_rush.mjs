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

/* "2026-12-01T10:00" of Shanghai */
const minute = (ms) => new Date(ms + 8 * 3600000).toISOString().slice(0, 16);

scenario('welcome inside 20 s while 20,000 broadcast deliveries are queued', {
    clock: { start: '2026-12-01T10:00', speed: 3 },
    connections: { corp: {} },
    accounts: { zhang: { connection: 'corp', kind: 'wecom.member', userid: 'zhangsan' } },
    seed: { members: [{ userid: 'zhangsan' }] },
    playbook: rules,
    timeoutMs: 180000,
}, async (w) => {
    await w.event('corp', 'contact.added', { customer: '客户{n}', userid: 'zhangsan', count: 20500, welcome: false });
    await until('20,500 customers known', async () => w.ledger('push').length === 20500, 120000, 500);
    await w.fault('delay', 'corp', 'add_msg_template', { ms: 4500, times: -1 });

    const at = minute(w.now() + 66000);
    const applied = await w.cli('apply', w.playbook(`${rules}
broadcasts:
  spring: {on: zhang, at: ${at}, to: {contacts: {tag: new}}, send: spring}
`, 'rush.yaml'));
    assert.equal(applied.code, 0, applied.stderr);
    const queued = async () => (await w.metrics())['siyu_deliveries{state="queued"}'];
    await until('20,000 queued', async () => await queued() >= 20000, 60000, 100);

    for (let i = 1; i <= 20; i++) {
        await w.event('corp', 'contact.added', { customer: `新客${i}`, userid: 'zhangsan' });
        await sleep(100);
    }
    const welcomes = await w.calls('externalcontact/send_welcome_msg', 20);
    assert.ok(await queued() >= 20000);
    assert.deepEqual(welcomes.map((l) => l.errcode), new Array(20).fill(0));
    const pushes = w.ledger('push').slice(-20);
    assert.ok(pushes.every((l) => l.acknowledged && l.attempt === 1));
    const waited = pushes.map((l, i) => welcomes[i].t_ms - (l.t_ms - l.ms * w.clock.speed));
    assert.ok(Math.max(...waited) < 6000, `the longest wait was ${Math.max(...waited)} ms`);
});
