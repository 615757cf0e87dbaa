// SPDX-License-Identifier: Apache-2.0
// What one customer wrote can make a decision fail: here a template whose work grows with the square of the words.
// `siyu check` cannot know the words. The others of the same batch must not notice.
import assert from 'node:assert/strict';

import { scenario, until } from './support/world.mjs';

const rules = (echo) => `
templates:
  echo: {text: "${echo}"}
rules:
  - {on: message.received, from: kf, keyword: {contains: [你好]}, do: [{send: echo}]}
`;
const square = "{% assign words = event.text | split: ' ' %}{% for a in words %}{% for b in words %}{% assign last = b %}" +
    '{% endfor %}{% endfor %}{{ words.size }}个词';

scenario('one event whose decision fails does not take its batch along, and can be decided again', {
    connections: { kf: {} },
    seed: { customers: [{ name: '顾客{n}', connection: 'kf', count: 20 }, { name: '话多', connection: 'kf' }] },
    playbook: rules(square),
}, async (w) => {
    const says = (customer, more) => w.event('kf', 'kf.message', { customer, text: '你好', ...more });
    await w.fault('delay', 'kf', 'sync_msg', { ms: 500 }); /* so that one page carries all */
    await says('顾客{n}', { count: 10 });
    await says('话多', { text: `你好 ${'a '.repeat(700)}` });
    for (let n = 11; n <= 20; n++)
        await says(`顾客${n}`);

    await w.calls('kf/send_msg', 20);
    const events = async () => {
        const m = await w.metrics();
        return [m['siyu_events{state="decided"}'], m['siyu_events{state="undecided"}']];
    };
    assert.deepEqual(await events(), [20, 1]);
    const page = w.ledger('kf/sync_msg');
    assert.ok(page.length < 20, `${page.length} pages: a batch has many events`);
    const failed = (await w.traces('话多')).at(-1);
    assert.equal(failed.what, 'undecided');
    assert.match(failed.detail.cause, /text: line 5: .* 10000 steps/);

    await says('顾客1'); /* the cursor has moved on */
    await w.calls('kf/send_msg', 21);

    await w.apply(rules('收到'));
    assert.equal((await w.order({ do: 'ask', request: { ask: 'decide-again' } })).ok, true);
    await w.calls('kf/send_msg', 22);
    await until('decided', async () => (await events()).join() === '22,0');
    await w.stopGateway();
    assert.equal(w.ledger('kf/send_msg').length, 22);
    await w.verifyClean();
});

const tags = (from) => Array.from({ length: 20 }, (_, i) => `{tag: t${from + i}}`).join(', ');

scenario('an event that asks for more actions than there may be fails alone', {
    connections: { corp: {} },
    accounts: { zhang: { connection: 'corp', kind: 'wecom.member', userid: 'zhangsan' },
                li: { connection: 'corp', kind: 'wecom.member', userid: 'lisi' } },
    seed: { members: [{ userid: 'zhangsan' }, { userid: 'lisi' }] },
    playbook: `
templates:
  hello: {text: "您好"}
rules:
  - {on: contact.added, from: zhang, do: [${tags(0)}]}
  - {on: contact.added, from: zhang, do: [${tags(20)}]}
  - {on: contact.added, from: li, do: [{send: hello}]}
`,
}, async (w) => {
    await w.order({ do: 'stall', ms: 500 }); /* so that one batch has them all */
    await w.event('corp', 'contact.added', { customer: '张的客户', userid: 'zhangsan' });
    await w.event('corp', 'contact.added', { customer: '李的客户{n}', userid: 'lisi', count: 10 });
    await w.calls('externalcontact/send_welcome_msg', 10);
    await until('acknowledged', () => w.ledger('push').filter((l) => l.acknowledged).length === 11);
    assert.equal((await w.metrics())['siyu_events{state="undecided"}'], 1);
    await w.verifyClean();
});
