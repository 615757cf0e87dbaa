// SPDX-License-Identifier: Apache-2.0
// Two writers on one store would break every promise; a taken port is the usual way to meet a forgotten process.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';

import { scenario, until } from './support/world.mjs';
import { freePort } from './support/process.mjs';

/* A second gateway's configuration: the first one's with other values. */
function variant(w, name, changes) {
    const conf = JSON.parse(readFileSync(w.path('siyu.yaml'), 'utf8'));
    writeFileSync(w.path(name), JSON.stringify({ ...conf, ...changes }));
    return name;
}

async function refused(w, ...args) {
    const child = w.start('second', ...args);
    const how = await Promise.race([child.exited, until('the second one gives up', () => !child.running && child.exited)]);
    return { code: how.code, output: child.output };
}

scenario('a second start is refused in clear words and leaves the first one alone', {
    connections: { kf: {} },
    seed: { customers: [{ name: '小美', connection: 'kf' }] },
    playbook: `
templates:
  answer: {text: "在的"}
rules:
  - {on: message.received, from: kf, keyword: {any: [你好]}, do: [{send: answer}]}
`,
}, async (w) => {
    const store = await refused(w, 'run', '-c', variant(w, 'same-data.yaml', { listen: `127.0.0.1:${await freePort()}` }));
    assert.equal(store.code, 2, store.output);
    assert.match(store.output, /data/);
    assert.match(store.output, new RegExp(`${w.gateway.pid}`), 'it says which process has the store');

    const port = await refused(w, 'run', '-c', variant(w, 'same-port.yaml', { data: './data2' }));
    assert.equal(port.code, 2, port.output);
    assert.match(port.output, new RegExp(`127\\.0\\.0\\.1:${w.gatewayPort} is taken.*listen`));

    const sandbox = await refused(w, 'sandbox', '-c', 'sandbox.yaml', '--ledger', w.path('other.jsonl'));
    assert.equal(sandbox.code, 2, sandbox.output);
    assert.match(sandbox.output, new RegExp(`${w.sandboxPort}`));

    await w.control('say', { customer: '小美', text: '你好' });
    await w.calls('kf/send_msg', 1);
    await w.token(); /* the control socket is still the first one's */
    await w.stopGateway();
    await w.startGateway();
    await w.verifyClean();
});
