// SPDX-License-Identifier: Apache-2.0
// Who answers a marketing SMS with R wants no more of them: the law, and the platform, count on it.
import assert from 'node:assert/strict';

import { scenario, until } from './support/world.mjs';

const people = ['13900000001', '13900000002', '13900000003'];

const rules = (broadcasts, more = '') => `
templates:
  opening:
    sms: {text: "新店开业，到店即送礼一份，拒收请回复R", provider_template: SMS_1001}
  second:
    sms: {text: "周末满减，到店可用，拒收请回复R", provider_template: SMS_1002}
rules:
  - {on: message.received, from: sms, keyword: {any: [订阅]}, do: [{tag: opted-in}]}
broadcasts: {${broadcasts}}
${more}`;

const world = {
    clock: { start: '2026-12-01T10:00', speed: 30 },
    connections: { sms: {} },
    seed: {
        customers: people.map((id, i) => ({ name: `会员${i + 1}`, connection: 'sms', id })),
        templates: [{ connection: 'sms', code: 'SMS_1001', type: 'promotion', text: '新店开业，到店即送礼一份，拒收请回复R' },
                    { connection: 'sms', code: 'SMS_1002', type: 'promotion', text: '周末满减，到店可用，拒收请回复R' }],
    },
    playbook: rules(''),
};

const SEND = 'SendSms';
const broadcast = (w, name) => `${name}: {on: sms, at: ${w.soon(2000)}, to: {contacts: {tag: opted-in}}, send: ${name}}`;
const numbers = (w) => w.ledger(SEND).filter((l) => l.errcode === 0).flatMap((l) => l.to).sort();

/* They write first: so the gateway knows them. */
async function subscribe(w) {
    for (const phone of people)
        await w.event('sms', 'sms.mo', { phone, content: '订阅' });
    await until('known', () => w.ledger('push').filter((l) => l.acknowledged).length === 3);
}

scenario('an SMS that says R suppresses further marketing to that number, and to no other', world, async (w) => {
    await subscribe(w);
    const opening = broadcast(w, 'opening');
    await w.apply(rules(opening));
    await until('3 sent', () => numbers(w).length === 3);
    assert.deepEqual(numbers(w), people);
    await until('3 delivered', async () => await w.inState('delivered') === 3);

    await w.event('sms', 'sms.mo', { phone: people[1], content: ' r ', times: 2 });
    await until('refused', async () => (await w.why(people[1]))[0].refuses.length === 1);
    await w.apply(rules(`${opening}, ${broadcast(w, 'second')}`));
    await until('5 sent', () => numbers(w).length === 5);
    await until('suppressed', async () => await w.inState('suppressed') === 1);
    const [refuser] = await w.why(people[1]);
    const last = refuser.trace.filter((t) => t.delivery).at(-1);
    assert.deepEqual([last.detail.state, last.detail.cause], ['suppressed', 'refused by contact']);
    await w.stopGateway();
    assert.deepEqual(numbers(w), [people[0], people[0], people[1], people[2], people[2]]);
    await w.verifyClean();
});

scenario('R also stops what is queued already', world, async (w) => {
    await subscribe(w);
    await w.apply(rules(broadcast(w, 'opening'), 'limits: {account: {minute: 1}}'));
    await until('one is sent, two wait', async () => numbers(w).length === 1 &&
        await w.inState('held') + await w.inState('queued') === 2);
    const refuser = people.find((p) => p !== numbers(w)[0]);
    await w.event('sms', 'sms.mo', { phone: refuser, content: 'R' });
    await until('two are sent', () => numbers(w).length === 2);
    await until('suppressed', async () => await w.inState('suppressed') === 1);
    await w.stopGateway();
    assert.deepEqual(numbers(w), people.filter((p) => p !== refuser));
    await w.verifyClean();
});
