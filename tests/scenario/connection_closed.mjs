// SPDX-License-Identifier: Apache-2.0
// A provider may close a kept-alive connection after it has processed a request and before it answers. An HTTP library
// then likes to repeat the request on a fresh connection by itself: that would be a second message.
import assert from 'node:assert/strict';

import { scenario, until } from './support/world.mjs';
import { LiveFeed } from './support/websocket.mjs';

const HALL = 'webhook/send', WELCOME = 'externalcontact/send_welcome_msg', KF = 'kf/send_msg';

const rules = (broadcasts) => `
templates:
  hello: {text: "您好，欢迎"}
  news: {text: "会员日开始啦"}
rules:
  - {on: contact.added, from: zhang, do: [{send: hello}]}
  - {on: message.received, from: kf, keyword: {any: [你好]}, do: [{send: hello}]}
broadcasts: {${broadcasts}}
`;

const world = (more) => ({
    connections: { corp: {}, kf: {}, hall: {} },
    accounts: { zhang: { connection: 'corp', kind: 'wecom.member', userid: 'zhangsan' } },
    seed: { members: [{ userid: 'zhangsan' }], customers: [{ name: '小美', connection: 'kf' }] },
    playbook: rules(''),
    ...more,
});

/* The last words on every delivery. */
const ends = (feed) => [...new Map(feed.of('delivery').map((l) => [l.id, `${l.state}: ${l.cause}`])).values()];

for (const fate of ['drop-reply', 'cut'])
    scenario(`a group message on a reused connection that meets ${fate} is asked once and stays unknown`, world({
        clock: { start: '2026-12-01T10:00', speed: 30 },
    }), async (w) => {
        const feed = await LiveFeed.open(w.gatewayPort, { token: await w.token() });
        const first = `first: {on: hall, at: ${w.soon(2000)}, to: {groups: all}, send: news}`;
        await w.apply(rules(first));
        await w.calls(HALL, 1);
        await w.fault(fate, 'hall', 'webhook/send');
        await w.apply(rules(`${first}, second: {on: hall, at: ${w.soon(2000)}, to: {groups: all}, send: news}`));

        const over = await until('the second one is over', () => feed.of('delivery').find((l) => l.state === 'unknown'));
        assert.match((await w.cli('why', over.id)).stdout, /rewinding/, 'it went out on the connection of the first');
        await w.stopGateway();
        assert.deepEqual(ends(feed), ['accepted: accepted by the platform', 'unknown: not repeated without proof']);
        assert.equal(w.ledger(HALL).length, fate === 'cut' ? 1 : 2);
        await w.verifyClean();
    });

scenario('a welcome whose reply was lost is asked again with its own code; 41051 is then our own doing', world(), async (w) => {
    await w.event('corp', 'contact.added', { customer: '甲', userid: 'zhangsan' });
    await w.calls(WELCOME, 1);
    await w.fault('drop-reply', 'corp', 'send_welcome_msg');
    await w.event('corp', 'contact.added', { customer: '乙', userid: 'zhangsan' });
    await until('asked again', () => w.ledger(WELCOME).length === 3);
    const [, lost, again] = w.ledger(WELCOME);
    assert.deepEqual([lost.errcode, lost.replied, again.errcode, again.key], [0, false, 41051, lost.key]);
    await until('accepted', async () => (await w.traces(lost.to[0])).at(-1).detail.cause === 'inferred');
    await w.verifyClean();
});

scenario('a kf reply whose answer was lost reaches the customer once', world(), async (w) => {
    await w.control('say', { customer: '小美', text: '你好', on: 'kf' });
    await w.calls(KF, 1);
    await w.fault('drop-reply', 'kf', 'send_msg');
    await w.control('say', { customer: '小美', text: '你好', on: 'kf' });
    await w.calls(KF, 2);
    await until('over', async () => (await w.traces('小美')).at(-1).what === 'unknown');
    await w.stopGateway();
    assert.deepEqual(w.ledger(KF).map((l) => [l.errcode, l.replied]), [[0, true], [0, false]]);
    await w.verifyClean();
});
