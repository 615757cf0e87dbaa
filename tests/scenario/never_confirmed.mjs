// SPDX-License-Identifier: Apache-2.0
// A WeCom broadcast is a task that the member must confirm by hand. One does, one never does: his customers got nothing,
// which must neither look like a delivery nor cost them their quota.
import assert from 'node:assert/strict';

import { scenario, until } from './support/world.mjs';

const rules = (broadcasts) => `
templates:
  spring: {text: "春季新品到店，会员积分双倍"}
  summer: {text: "夏季新品到店"}
rules:
  - {on: contact.added, from: corp, do: [{tag: new}]}
limits:
  recipient: {day: 1}
broadcasts: {${broadcasts}}
`;

scenario('a task that the employee never confirms is reminded, cancelled, and ends as such', {
    clock: { start: '2026-12-01T10:00', speed: 60 },
    connections: { corp: {} },
    accounts: { zhang: { connection: 'corp', kind: 'wecom.member', userid: 'zhangsan' },
                li: { connection: 'corp', kind: 'wecom.member', userid: 'lisi' } },
    seed: { members: [{ userid: 'zhangsan', confirm: 'never' }, { userid: 'lisi', confirm: 'auto', after_ms: 30000 }] },
    playbook: rules(''),
}, async (w) => {
    const [mine] = await w.befriend('张的客户', 5, 'zhangsan');
    const [yours] = await w.befriend('李的客户', 3, 'lisi');
    const spring = `spring: {on: corp, at: ${w.soon(2000)}, to: {contacts: {tag: new}}, send: spring, expires: 25m}`;
    await w.apply(rules(spring));

    await until('3 delivered', async () => await w.inState('delivered') === 3);
    assert.equal(await w.inState('awaiting_confirm'), 5);
    await until('5 expired', async () => await w.inState('expired') === 5, 60000);
    const mineEnded = (await w.traces(mine.id)).at(-1), yoursEnded = (await w.traces(yours.id)).at(-1);
    assert.deepEqual([mineEnded.detail.state, mineEnded.detail.cause], ['expired', 'not confirmed']);
    assert.deepEqual([yoursEnded.detail.state, yoursEnded.detail.cause], ['delivered', 'receipt']);
    const of = (op) => w.ledger(`externalcontact/${op}`).filter((l) => l.errcode === 0);
    assert.equal(of('add_msg_template').length, 2);
    assert.equal(of('remind_groupmsg_send').length, 1);
    assert.equal(of('cancel_groupmsg_send').length, 1);
    assert.deepEqual(w.ledger('task.sent').map((l) => l.to.length), [3]);

    /* Given back: today's one message may still go to zhang's customers, and to nobody else. */
    await w.control('members/zhangsan', { confirm: 'auto', after_ms: 30000 });
    await w.apply(rules(`${spring}, summer: {on: corp, at: ${w.soon(2000)}, to: {contacts: {tag: new}}, send: summer}`));
    await until('8 delivered', async () => await w.inState('delivered') === 8);
    assert.equal(await w.inState('held'), 3);
    await w.verifyClean();
});
