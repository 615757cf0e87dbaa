// SPDX-License-Identifier: Apache-2.0
// The callback address is public: whatever arrives there that is not the platform's must cost little and change nothing.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createConnection } from 'node:net';

import { scenario, until } from './support/world.mjs';
import { seal } from './support/callback.mjs';

const event = (customer) => `<xml><ToUserName><![CDATA[ww1234567890abcdef]]></ToUserName><FromUserName><![CDATA[sys]]>` +
    `</FromUserName><CreateTime>${Math.floor(Date.now() / 1000)}</CreateTime><MsgType><![CDATA[event]]></MsgType>` +
    `<Event><![CDATA[change_external_contact]]></Event><ChangeType><![CDATA[add_external_contact]]></ChangeType>` +
    `<UserID><![CDATA[zhangsan]]></UserID><ExternalUserID><![CDATA[${customer}]]></ExternalUserID></xml>`;

const message = () => `<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[fan1]]></FromUserName>` +
    `<CreateTime>${Math.floor(Date.now() / 1000)}</CreateTime><MsgType><![CDATA[text]]></MsgType>` +
    `<Content><![CDATA[你好]]></Content><MsgId>1234567890123456</MsgId></xml>`;

const attributes = Array.from({ length: 1e5 }, (_, i) => `a${i}="1"`).join(' ');
const flip = (s) => (s[0] === '0' ? '1' : '0') + s.slice(1);

/* What comes, how it is made, and which answers are fair. `conn` is the connection's configuration. */
const attacks = {
    'a forged signature': { make: (conn) => seal(conn, event('x'), { signature: 'f'.repeat(40) }) },
    'a flipped character in the signature': { make: (conn) => {
        const { query, body } = seal(conn, event('x'));
        return { query: query.replace(/msg_signature=(\w+)/, (_, s) => `msg_signature=${flip(s)}`), body };
    } },
    'another receiveid': { make: (conn) => seal(conn, event('x'), { receiveId: 'ww0000000000000000' }) },
    'no receiveid': { make: (conn) => seal(conn, event('x'), { receiveId: '' }) },
    'a timestamp of an hour ago': { make: (conn) => seal(conn, event('x'), { timestamp: Math.floor(Date.now() / 1000) - 3600 }) },
    'a DOCTYPE outside': { make: (conn) => seal(conn, event('x'), { body: (e) =>
        `<!DOCTYPE xml [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><xml><ToUserName>&b;</ToUserName>` +
        `<Encrypt><![CDATA[${e}]]></Encrypt></xml>` }) },
    'a DOCTYPE inside, rightly encrypted': { make: (conn) =>
        seal(conn, `<!DOCTYPE xml [<!ENTITY x SYSTEM "file:///etc/passwd">]>${event('x').replace('sys', '&x;')}`) },
    '10^5 attributes outside': { make: (conn) => seal(conn, event('x'), { body: (e) =>
        `<xml ${attributes}><Encrypt><![CDATA[${e}]]></Encrypt></xml>` }), status: [400, 413] },
    '10^5 attributes inside, rightly encrypted': { make: (conn) => seal(conn, event('x').replace('<xml>', `<xml ${attributes}>`)),
        status: [400, 413] },
    '10^4 levels': { make: (conn) => seal(conn, event('x'), { body: () => '<xml>'.repeat(1e4) }) },
    'a 10 MB body': { make: () => ({ query: 'msg_signature=a&timestamp=1&nonce=b', body: 'x'.repeat(10e6) }), status: [413] },
    'no XML': { make: (conn) => seal(conn, event('x'), { body: () => '{"Encrypt": "x"}' }) },
    'an empty body': { make: (conn) => seal(conn, event('x'), { body: () => '' }) },
    'no parameters': { make: (conn) => ({ ...seal(conn, event('x')), query: '' }) },
    'not base64': { make: (conn) => seal(conn, event('x'), { body: () => '<xml><Encrypt>%%%%</Encrypt></xml>' }) },
};

/* Raw, since a refusal may come before the body is through. Answers the status and how long it took. */
async function post(port, path, { query, body }) {
    const started = Date.now();
    const socket = createConnection(port, '127.0.0.1');
    let answer = '';
    socket.setEncoding('latin1').on('data', (t) => { answer += t; }).on('error', () => {});
    socket.setTimeout(20000, () => socket.destroy());
    socket.write(`POST ${path}?${query} HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nConnection: close\r\n` +
                 `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n`);
    socket.write(body);
    await once(socket, 'close');
    return { status: Number(answer.split(' ')[1]), ms: Date.now() - started };
}

scenario('bad input at a callback is refused fast, in bounded memory, while real events get through', {
    connections: { corp: {}, brand: {} },
    accounts: { zhang: { connection: 'corp', kind: 'wecom.member', userid: 'zhangsan' } },
    seed: { members: [{ userid: 'zhangsan' }] },
    playbook: `
templates:
  hello: {text: "您好"}
rules:
  - {on: contact.added, do: [{send: hello}]}
`,
}, async (w) => {
    const hooks = { corp: w.connection('corp'), brand: w.connection('brand') };
    const send = (name, sealed) => post(w.gatewayPort, `/hooks/${name}`, sealed);
    assert.equal((await send('corp', seal(hooks.corp, event('wmGOOD')))).status, 200, 'our own sealing is right');
    assert.equal((await send('brand', seal(hooks.brand, message()))).status, 200, 'our own sealing is right');
    const before = w.peakBytes();

    for (const [name, conn] of Object.entries(hooks))
        for (const [what, attack] of Object.entries(attacks)) {
            const r = await send(name, attack.make(conn));
            assert.ok((attack.status ?? [400, 401, 403]).includes(r.status), `${name}, ${what}: status ${r.status}`);
            assert.ok(r.ms < 1000, `${name}, ${what}: ${r.ms} ms`);
        }

    /* All at once, again and again, while customers come. */
    const storm = (async () => {
        for (let round = 0; round < 5; round++)
            await Promise.all(Object.entries(hooks).flatMap(([name, conn]) =>
                Object.values(attacks).map((a) => send(name, a.make(conn)))));
    })();
    for (let i = 1; i <= 10; i++)
        await w.event('corp', 'contact.added', { customer: `客户${i}`, userid: 'zhangsan' });
    await storm;
    await until('10 welcomes', () => w.ledger('externalcontact/send_welcome_msg').filter((l) => l.errcode === 0).length === 10);
    assert.ok(w.ledger('push').every((l) => l.acknowledged && l.attempt === 1));

    const grown = (w.peakBytes() - before) / 2 ** 20;
    assert.ok(grown < 64, `${grown.toFixed(1)} MiB more than before`);
    assert.equal((await w.verifyClean()).events, 12);
    assert.ok(w.gateway.running);
});
