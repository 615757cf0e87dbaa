// SPDX-License-Identifier: Apache-2.0
// An official account answers inside the platform's own request, or later by a call of its own, never both: the follower
// would read it twice. The platform asks again when it did not get the answer, and must get the very same one.
import assert from 'node:assert/strict';

import { scenario, sleep, until } from './support/world.mjs';
import { decrypt, seal, sign } from './support/callback.mjs';

const CUSTOM = 'message/custom/send';

const world = {
    clock: { start: '2026-12-01T10:00', speed: 10 },
    connections: { brand: {} },
    seed: { customers: [{ name: '粉丝', connection: 'brand', id: 'fan1' }] },
    playbook: `
templates:
  lucky: {text: "{{ contact.name | default: '您好' }}，现在是{{ 'now' | date: '%H:%M:%S.%L' }}"}
rules:
  - {on: message.received, from: brand, keyword: {any: [抽奖]}, do: [{send: lucky}]}
`,
};

const tag = (xml, name) => new RegExp(`<${name}>(?:<!\\[CDATA\\[)?(.*?)(?:\\]\\]>)?</${name}>`, 's').exec(xml)?.[1];

/* One push of that message by the platform; answers what the follower gets, '' for nothing. */
async function push(w, id) {
    const conn = w.connection('brand');
    const xml = `<xml><ToUserName><![CDATA[gh_brand]]></ToUserName><FromUserName><![CDATA[fan1]]></FromUserName>` +
        `<CreateTime>${Math.floor(w.now() / 1000)}</CreateTime><MsgType><![CDATA[text]]></MsgType>` +
        `<Content><![CDATA[抽奖]]></Content><MsgId>${id}</MsgId></xml>`;
    const { query, body } = seal(conn, xml, { timestamp: Math.floor(w.now() / 1000) });
    const answer = await fetch(w.url(`/hooks/brand?${query}&openid=fan1`), { method: 'POST', body });
    const text = await answer.text();
    assert.equal(answer.status, 200, text);
    if (text === 'success' || text === '')
        return { content: '' };
    const encrypted = tag(text, 'Encrypt');
    assert.equal(tag(text, 'MsgSignature'), sign(conn.token, tag(text, 'TimeStamp'), tag(text, 'Nonce'), encrypted));
    const { message, receiveId } = decrypt(conn.aes_key, encrypted);
    assert.equal(receiveId, conn.appid);
    assert.deepEqual([tag(message, 'ToUserName'), tag(message, 'FromUserName'), tag(message, 'MsgType')],
                     ['fan1', 'gh_brand', 'text']);
    return { content: tag(message, 'Content'), encrypted };
}

scenario('each retry gets the same passive reply, sealed anew, and nothing follows actively', world, async (w) => {
    const together = await Promise.all([push(w, '9001'), push(w, '9001')]); /* a retry may overtake */
    const answers = [...together, await push(w, '9001'), (await sleep(500), await push(w, '9001'))];
    assert.match(answers[0].content, /现在是10:/);
    assert.deepEqual([...new Set(answers.map((a) => a.content))], [answers[0].content]);
    assert.equal(new Set(answers.map((a) => a.encrypted)).size, answers.length);

    /* 20 s without a retry: it has arrived. */
    await until('inferred', async () => (await w.traces('fan1')).at(-1).detail.cause === 'inferred', 10000);
    assert.equal((await push(w, '9001')).content, answers[0].content);
    await w.stopGateway();
    assert.equal(w.ledger(CUSTOM).length, 0);
    await w.startGateway(); /* and a retry after a restart is still known */
    assert.equal((await push(w, '9001')).content, answers[0].content);
    const found = await w.verifyClean();
    assert.deepEqual([found.events, found.deliveries], [1, 1]);
});

scenario('the sandbox sees one content in every attempt', world, async (w) => {
    await w.event('brand', 'official.message', { customer: '粉丝', text: '抽奖', times: 3 });
    await w.calls('passive', 3);
    const seen = w.ledger('passive');
    assert.deepEqual(seen.map((l) => l.errcode), [0, 0, 0]);
    assert.equal(new Set(seen.map((l) => l.body_sha256)).size, 1);
    await sleep(w.real(25000));
    assert.equal(w.ledger(CUSTOM).length, 0);
});

scenario('decided too late for a passive reply, it goes out actively, and no retry gets it besides', world, async (w) => {
    await w.event('brand', 'official.message', { customer: '粉丝', text: '在吗' }); /* his window is open there too */
    await until('heard', () => w.ledger('push').some((l) => l.acknowledged));
    await w.order({ do: 'stall', ms: 6000 });
    assert.equal((await push(w, '9002')).content, '', 'answered from the spool, after 3.5 s');
    assert.equal((await push(w, '9002')).content, '');
    await w.calls(CUSTOM, 1);
    assert.equal((await push(w, '9002')).content, '');
    await w.stopGateway();
    assert.deepEqual(w.ledger(CUSTOM).map((l) => l.errcode), [0]);
    const found = await w.verifyClean();
    assert.deepEqual([found.events, found.deliveries], [2, 1]);
});
