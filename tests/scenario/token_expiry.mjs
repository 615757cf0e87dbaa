// SPDX-License-Identifier: Apache-2.0
// The platform may end a token early. Many calls meet that at once; token calls are rare goods, so one of them renews.
import assert from 'node:assert/strict';

import { scenario, tally, until } from './support/world.mjs';

const WELCOME = 'externalcontact/send_welcome_msg';

scenario('a token that ends under parallel calls is renewed once, and every call gets through', {
    connections: { corp: {} },
    accounts: { zhang: { connection: 'corp', kind: 'wecom.member', userid: 'zhangsan' },
                li: { connection: 'corp', kind: 'wecom.member', userid: 'lisi' } },
    seed: { members: [{ userid: 'zhangsan' }, { userid: 'lisi' }] },
    playbook: `
templates:
  hello: {text: "您好，欢迎"}
rules:
  - {on: contact.added, do: [{send: hello}]}
`,
}, async (w) => {
    await w.event('corp', 'contact.added', { customer: '第一位', userid: 'zhangsan' });
    await w.calls(WELCOME, 1);
    assert.equal(w.ledger('gettoken').length, 1);

    for (let round = 1; round <= 3; round++) {
        const before = w.ledger().length;
        await w.fault('delay', 'corp', 'externalcontact/', { ms: 700, times: 3 }); /* refused when all is renewed */
        await w.fault('delay', 'corp', 'externalcontact/', { ms: 100, times: -1 });
        await w.fault('delay', 'corp', 'gettoken', { ms: 300 });
        await w.control('tokens', { connection: 'corp' });
        await Promise.all(['zhangsan', 'lisi'].map((userid) =>
            w.event('corp', 'contact.added', { customer: `${userid}的客户${round}-{n}`, userid, count: 15 })));
        await until('30 welcomes', () => w.ledger(WELCOME).filter((l) => l.errcode === 0).length === 1 + 30 * round);
        const calls = w.ledger().slice(before);
        const refused = calls.filter((l) => l.errcode === 42001 || l.errcode === 40014);
        assert.ok(refused.length >= 5, `${refused.length} calls met the old token`);
        assert.equal(calls.filter((l) => l.op === 'gettoken').length, 1);
        await w.fault('clear', 'corp', 'externalcontact/');
    }
    await w.stopGateway();
    const accepted = w.ledger(WELCOME).filter((l) => l.errcode === 0);
    assert.deepEqual([...new Set(tally(accepted, (l) => l.to[0]).values())], [1]);
    await w.verifyClean();
});
