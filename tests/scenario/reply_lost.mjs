// SPDX-License-Identifier: Apache-2.0
// The platform has created the task and its answer gets lost. Sending again would reach every customer twice.
import assert from 'node:assert/strict';

import { scenario, until } from './support/world.mjs';

const world = {
    clock: { start: '2026-12-01T10:00', speed: 60 },
    connections: { corp: {} },
    accounts: { zhang: { connection: 'corp', kind: 'wecom.member', userid: 'zhangsan' } },
    seed: { members: [{ userid: 'zhangsan', confirm: 'auto', after_ms: 60000 }] },
    playbook: rules(''),
};

function rules(broadcasts) {
    return `
templates:
  spring: {text: "春季新品到店，会员积分双倍"}
  summer: {text: "夏季新品到店"}
rules:
  - {on: contact.added, from: zhang, do: [{tag: new}]}
limits:
  recipient: {day: 1}
broadcasts: {${broadcasts}}
`;
}

const broadcast = (w, name) => `${name}: {on: zhang, at: ${w.soon(2000)}, to: {contacts: {tag: new}}, send: ${name}}`;

const TASK = 'externalcontact/add_msg_template', LIST = 'externalcontact/get_groupmsg_list_v2';

scenario('a task whose reply was lost is found in the list, never sent again, and ends by what the member did', world, async (w) => {
    const [first] = await w.befriend('客户', 5);
    await w.fault('drop-reply', 'corp', 'add_msg_template');
    await w.apply(rules(broadcast(w, 'spring')));

    await until('found and sent', async () => await w.inState('delivered') === 5, 40000);
    assert.equal(w.ledger(TASK).length, 1);
    assert.equal(w.ledger(TASK)[0].replied, false);
    const trace = await w.traces(first.id);
    assert.deepEqual(trace.filter((t) => t.delivery).map((t) => `${t.what}: ${t.detail.state}`),
                     ['planned: queued', 'charged: in_flight', 'unknown: unknown', 'found: awaiting_confirm',
                      'confirmed and sent: delivered']);
    await w.verifyClean();
});

scenario('a task that cannot be looked up stays unknown for good, and counts', world, async (w) => {
    const [first] = await w.befriend('客户', 5);
    await w.fault('drop-reply', 'corp', 'add_msg_template');
    await w.fault('error', 'corp', 'get_groupmsg_list_v2', { errcode: -1, times: -1 });
    const spring = broadcast(w, 'spring');
    await w.apply(rules(spring));

    await until('5 unknown', async () => await w.inState('unknown') === 5, 20000);
    await until('unknown for good', async () => (await w.traces(first.id)).at(-1).what === 'unknown for good', 60000);
    assert.ok(w.ledger(LIST).length >= 1);

    await w.apply(rules(`${spring}, ${broadcast(w, 'summer')}`));
    await until('held by the day', async () => await w.inState('held') === 5, 20000);
    const { detail } = (await w.traces(first.id)).at(-1);
    assert.deepEqual([detail.limit, detail.used, detail.max], ['recipient.day', 1, 1]);
    assert.equal(w.ledger(TASK).length, 1);
    await w.verifyClean();
});
