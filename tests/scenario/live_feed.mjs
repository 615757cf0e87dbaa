// SPDX-License-Identifier: Apache-2.0
// /api/v1/live tells events and deliveries as they are committed, to whoever has a token.
import assert from 'node:assert/strict';

import { scenario, until } from './support/world.mjs';
import { LiveFeed } from './support/websocket.mjs';

scenario('the live feed shows events and deliveries as JSON, to listeners with a token only', {
    connections: { kf: {} },
    seed: { customers: [{ name: '小美', connection: 'kf' }] },
    playbook: `
templates:
  answer: {text: "在的"}
rules:
  - {on: message.received, from: kf, keyword: {any: [你好]}, do: [{send: answer}]}
`,
}, async (w) => {
    const open = (options) => LiveFeed.open(w.gatewayPort, options);
    await assert.rejects(open(), { status: 401 });
    await assert.rejects(open({ token: 'siyu_00000000_00000000000000000000000000000000' }), { status: 401 });

    const token = await w.token('viewer');
    assert.equal((await fetch(w.url('/api/v1/live'), { headers: { authorization: `Bearer ${token}` } })).status, 426);
    const feeds = [await open({ token }), await open({ path: `/api/v1/live?token=${token}` })];
    const leaver = await open({ token });
    leaver.close();

    await w.control('say', { customer: '小美', text: '你好' });
    for (const feed of feeds) {
        await until('all is told', () => feed.of('delivery').some((l) => l.state === 'accepted'));
        const [event] = feed.of('event');
        assert.equal(event.kind, 'message.received');
        assert.equal(event.account, 'kf');
        assert.equal(event.text, '你好');
        assert.equal(feed.of('event').length, 1);
        const deliveries = feed.of('delivery');
        assert.deepEqual(deliveries.map((l) => l.state), ['queued', 'in_flight', 'accepted']);
        assert.deepEqual([...new Set(deliveries.map((l) => `${l.class} ${l.account} ${l.contact === event.contact}`))],
                         ['reply kf true']);
    }
    assert.equal((await w.metrics()).siyu_live_listeners, 2);

    await w.stopGateway();
    for (const feed of feeds)
        await until('the feed ends with the gateway', () => feed.closed);
    await w.startGateway();
    const again = await open({ token }); /* the token is kept, as a hash, over restarts */
    again.close();
});
