// SPDX-License-Identifier: Apache-2.0
// Applying a playbook swaps it between two batches: no connection notices, the next message meets the new rules, and a
// playbook with a mistake changes nothing and says where the mistake is.
import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';

import { scenario, sleep, until } from './support/world.mjs';
import { LiveFeed } from './support/websocket.mjs';

const rules = (version) => `
templates:
  v${version}: {text: "第${version}版"}
rules:
  - {on: message.received, from: kf, keyword: {contains: [你好]}, do: [{send: v${version}}]}
`;

/* Asks /healthz over one kept-alive connection until told to stop; counts answers and connections. */
class Knocker {
    agent = new Agent({ keepAlive: true, maxSockets: 1 });
    answers = 0;
    sockets = new Set();

    constructor(url) {
        this.url = url;
        this.done = this.run().catch((err) => { this.error = err; });
    }

    knock() {
        return new Promise((done, fail) => {
            request(this.url, { agent: this.agent }, (r) => {
                this.sockets.add(r.socket.localPort);
                r.resume().on('end', () => (r.statusCode === 200 ? done() : fail(new Error(`status ${r.statusCode}`))));
            }).on('error', fail).end();
        });
    }

    async run() {
        while (!this.stopped) {
            await this.knock();
            this.answers++;
            await sleep(2);
        }
    }

    async stop() {
        this.stopped = true;
        await this.done;
        this.agent.destroy();
        assert.ifError(this.error);
    }
}

scenario('apply while connections are open', {
    connections: { kf: {}, corp: {} },
    accounts: { zhang: { connection: 'corp', kind: 'wecom.member', userid: 'zhangsan' } },
    seed: { customers: [{ name: '顾客{n}', connection: 'kf', count: 40 }] },
    playbook: rules(0),
}, async (w) => {
    const feed = await LiveFeed.open(w.gatewayPort, { token: await w.token() });
    const knockers = Array.from({ length: 8 }, () => new Knocker(w.url('/healthz')));
    let customers = 0;
    const says = async () => {
        const customer = `顾客${++customers}`;
        await w.event('kf', 'kf.message', { customer, text: '你好' });
        return customer;
    };
    /* Which template answered that customer, when his message is decided. */
    const answerOf = (customer) => until(`${customer} is answered`, async () =>
        (await w.cli('why', '--json', customer)).code === 0 &&
        (await w.traces(customer, 'planned')).map((t) => t.detail.template).join());

    await w.fault('delay', 'kf', 'send_msg', { ms: 200, times: -1 }); /* an answer is under way at each apply */
    for (let version = 1; version <= 8; version++) {
        const before = await says();
        assert.equal(await answerOf(before), `v${version - 1}`);
        await w.apply(rules(version));
        assert.equal(await answerOf(await says()), `v${version}`);
    }

    const bad = [
        ['unknown.yaml', `${rules(9)}ruels: []\n`, /unknown\.yaml:8: .*rules/],
        ['torn.yaml', `${rules(9)}limits: {account: {day: 3\n`, /torn\.yaml:\d+/],
        ['missing.yaml', rules(9).replace('{send: v9}', '{send: v99}'), /missing\.yaml:7: .*v99/],
        ['deaf.yaml', rules(9).replace('from: kf', 'from: zhang'), /deaf\.yaml:7: .*wecom\.kf/],
    ];
    for (const [name, text, complaint] of bad) {
        const good = w.playbook(rules(9), 'good.yaml');
        const { code, stderr } = await w.cli('apply', good, w.playbook(text, name));
        assert.equal(code, 1);
        assert.match(stderr, complaint);
        assert.match(stderr, /nothing was changed/);
        assert.equal(await answerOf(await says()), 'v8', name);
    }

    await w.calls('kf/send_msg', customers);
    const answers = knockers.map((k) => k.answers);
    await Promise.all(knockers.map((k) => k.stop()));
    assert.ok(Math.min(...answers) > 50, `they were answered ${answers} times`);
    assert.deepEqual(knockers.map((k) => k.sockets.size), new Array(8).fill(1), 'each kept its connection');
    assert.equal(feed.closed, false);
    assert.equal(feed.of('event').length, customers);
    assert.ok(w.ledger('push').every((l) => l.acknowledged && l.attempt === 1));
    assert.deepEqual(w.ledger('kf/send_msg').map((l) => l.errcode), new Array(customers).fill(0));
    feed.close();
    await w.verifyClean();
});
