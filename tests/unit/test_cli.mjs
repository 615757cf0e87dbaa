// SPDX-License-Identifier: Apache-2.0
// The command line against the real binary: what it says, on which stream, and its exit codes:
// 0 good, 1 found wrong, 2 usage or configuration, 3 cannot reach the gateway.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';

import { Child, freePort, run, until } from '../scenario/support/process.mjs';

const siyu = process.env.SIYU;
const dir = mkdtempSync(join(tmpdir(), 'siyu-cli-'));
const rules = {
    good: '- {on: message.received, from: [kf], keyword: {any: [抽奖]}, do: [{send: hello}]}',
    wrong: '- {on: message.received, from: [zhang], keyword: {any: [抽奖]}, do: [{send: hello}]}',
    shadowed: '- {on: message.received, from: [kf], keyword: {contains: [券]}, do: [{send: hello}]}\n'
        + '- {on: message.received, from: [kf], keyword: {contains: [优惠券]}, priority: -1, do: [{send: hello}]}',
    hopeless: '- {on: message.received, from: [kf], keyword: {any: ["，。！"]}, do: [{send: hello}]}',
};
let gateway, port;

function playbook(name, text) {
    writeFileSync(join(dir, name), `playbook: ${name.split('.')[0]}\ntimezone: Asia/Shanghai\n`
        + `templates:\n  hello: {text: "你好"}\nrules:\n${text}\n`);
}

function configuration(name, listen, more = {}) {
    const kf = { kind: 'wecom-kf', corp_id: 'ww1', secret: 's', token: 't', open_kfid: 'wk1',
                 aes_key: 'QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY', api_base: 'http://127.0.0.1:1/wecom' };
    const corp = { kind: 'wecom', corp_id: 'ww1', agent_id: 1, secret: 's', token: 't', aes_key: kf.aes_key,
                   api_base: kf.api_base };
    writeFileSync(join(dir, name), JSON.stringify({
        listen, data: `./${name}.data`, playbooks: ['good.yaml'], connections: { kf, corp },
        accounts: { zhang: { connection: 'corp', kind: 'wecom.member', userid: 'zhangsan' } }, ...more }));
}

const call = (...args) => run(siyu, args, { cwd: dir });

/* The command's exit code and, with --json, its object. */
async function json(...args) {
    const { code, stdout, stderr } = await call(...args, '--json');
    let body;
    try {
        body = JSON.parse(stdout);
    } catch (cause) {
        throw new Error(`${args.join(' ')} printed no JSON: ${stdout}${stderr}`, { cause });
    }
    return { code, body };
}

before(async () => {
    port = await freePort();
    for (const [name, text] of Object.entries(rules))
        playbook(`${name}.yaml`, text);
    configuration('up.yaml', `127.0.0.1:${port}`);
    configuration('down.yaml', '127.0.0.1:0');
    configuration('fresh.yaml', '127.0.0.1:0');
    configuration('strange.yaml', '127.0.0.1:0', { connections: { bot: { kind: 'telegram' } }, accounts: {} });
    gateway = new Child(siyu, ['run', '-c', 'up.yaml'], { cwd: dir });
    await until(() => gateway.output, async () => {
        assert.ok(gateway.running, gateway.output);
        return (await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null))?.status === 200;
    });
});

after(async () => {
    await gateway?.end('SIGKILL', 1000);
    rmSync(dir, { recursive: true, force: true });
});

test('no command, a wrong one and a wrong option are usage', async () => {
    for (const args of [[], ['frob'], ['verify', '--frob'], ['check', '-c'], ['check'], ['apply'], ['why'], ['token'],
                        ['token', 'create'], ['token', 'create', '--role', 'god'], ['sandbox', 'frob'],
                        ['run', '--clock', 'soon']]) {
        const { code, stdout, stderr } = await call(...args);
        assert.equal(code, 2, args.join(' '));
        assert.equal(stdout, '', args.join(' '));
        assert.notEqual(stderr, '', args.join(' '));
    }
});

test('help and version are good', async () => {
    const help = await call('help');
    assert.equal(help.code, 0);
    assert.match(help.stdout, /check +FILE/);
    assert.deepEqual(Object.keys((await json('version')).body), ['version', 'rulepack']);
    assert.match((await call('version')).stdout, /^siyu \d+\.\d+\.\d+, rule pack /);
});

test('a configuration that cannot be used is 2 for every command', async () => {
    writeFileSync(join(dir, 'odd.yaml'), 'connections: {}\ncolour: blue\n');
    for (const args of [['run'], ['check', 'good.yaml'], ['apply', 'good.yaml'], ['why', '1'], ['verify'],
                        ['token', 'create', '--role', 'viewer']])
        for (const file of ['missing.yaml', 'odd.yaml']) {
            const { code, stderr } = await call(...args, '-c', file);
            assert.equal(code, 2, args.join(' '));
            assert.match(stderr, file === 'odd.yaml' ? /odd\.yaml:2: .*colour/ : /missing\.yaml/, args.join(' '));
        }
    for (const args of [['verify'], ['why', '1']]) {
        const { code, body } = await json(...args, '-c', 'odd.yaml');
        assert.deepEqual({ code, ok: body.ok, said: body.complaints.length }, { code: 2, ok: false, said: 1 });
    }
});

test('check: good, wrong, warned of and unreadable', async () => {
    const good = await call('check', 'good.yaml', '-c', 'up.yaml');
    assert.deepEqual([good.code, good.stdout], [0, '1 playbook: good\n']);
    assert.deepEqual(await json('check', 'good.yaml', '-c', 'up.yaml'), { code: 0, body: { ok: true, complaints: [] } });

    const wrong = await call('check', 'good.yaml', 'wrong.yaml', '-c', 'up.yaml');
    assert.equal(wrong.code, 1);
    assert.match(wrong.stderr, /^wrong\.yaml:\d+: /);
    assert.equal((await json('check', 'wrong.yaml', '-c', 'up.yaml')).body.ok, false);

    const warned = await json('check', 'shadowed.yaml', '-c', 'up.yaml');
    assert.deepEqual([warned.code, warned.body.ok], [0, true]);
    assert.match(warned.body.complaints[0], /^shadowed\.yaml:\d+: warning: .*can never act/);

    const strange = await call('check', 'good.yaml', '-c', 'strange.yaml');
    assert.equal(strange.code, 2);
    assert.match(strange.stderr, /^strange\.yaml:\d+: connections\.bot\.kind: no kind `telegram` .* wecom-kf, /);

    assert.equal((await call('check', 'hopeless.yaml', '-c', 'up.yaml')).code, 1);
    assert.equal((await call('check', 'nowhere.yaml', '-c', 'up.yaml')).code, 2);
    assert.match((await call('check', 'good.yaml')).stdout, /names of accounts not checked/); // no siyu.yaml here
});

test('apply: taken, refused, unreadable, and nobody there', async () => {
    const taken = await call('apply', 'good.yaml', '-c', 'up.yaml');
    assert.deepEqual([taken.code, taken.stdout], [0, 'applied\n']);
    const warned = await json('apply', 'shadowed.yaml', '-c', 'up.yaml');
    assert.deepEqual([warned.code, warned.body.ok, warned.body.complaints.length], [0, true, 1]);

    const both = await call('apply', 'good.yaml', 'wrong.yaml', '-c', 'up.yaml');
    assert.equal(both.code, 1);
    assert.match(both.stderr, /wrong\.yaml:\d+: [^]*nothing was changed/);
    assert.equal((await json('apply', 'wrong.yaml', '-c', 'up.yaml')).body.ok, false);

    assert.equal((await call('apply', 'nowhere.yaml', '-c', 'up.yaml')).code, 2);
    const down = await json('apply', 'good.yaml', '-c', 'down.yaml');
    assert.deepEqual([down.code, down.body.ok], [3, false]);
    assert.match(down.body.error, /start it with `siyu run -c down\.yaml`/);
});

test('why and verify read a running store, and say when there is none', async () => {
    const verify = await call('verify', '-c', 'up.yaml');
    assert.equal(verify.code, 0);
    assert.match(verify.stdout, /\nverify: clean\n$/);
    const { code, body } = await json('verify', '-c', 'up.yaml');
    assert.deepEqual([code, body.clean, body.violations], [0, true, []]);

    assert.equal((await call('why', '小美', '-c', 'up.yaml')).code, 1);
    assert.deepEqual(await json('why', '42', '-c', 'up.yaml'),
                     { code: 1, body: { ok: false, error: '42: nobody and nothing is known by that id or name' } });
    for (const args of [['why', '小美'], ['verify']]) {
        const none = await json(...args, '-c', 'fresh.yaml');
        assert.deepEqual([none.code, none.body.ok], [2, false], args[0]);
    }
});

test('a token opens the API at once, and one made while the gateway is down is kept', async () => {
    const made = await call('token', 'create', '--role', 'viewer', '-c', 'up.yaml');
    assert.equal(made.code, 0);
    assert.match(made.stdout, /^siyu_[0-9a-f]{8}_[0-9a-f]{32}\n$/);
    const ask = (token) => fetch(`http://127.0.0.1:${port}/api/v1/status`, { headers: { authorization: `Bearer ${token}` } });
    assert.equal((await ask(made.stdout.trim())).status, 200);
    assert.equal((await ask(`${made.stdout.trim().slice(0, -1)}x`)).status, 401);

    const down = await json('token', 'create', '--role', 'admin', '-c', 'down.yaml');
    assert.equal(down.code, 0);
    assert.match(down.body.token, /^siyu_/);
});

test('run: the same data twice, a taken port and a bad playbook are configuration', async () => {
    const twice = await call('run', '-c', 'up.yaml');
    assert.equal(twice.code, 2);
    assert.match(twice.stderr, /another process/);

    configuration('taken.yaml', `127.0.0.1:${port}`);
    const taken = await call('run', '-c', 'taken.yaml');
    assert.equal(taken.code, 2);
    assert.match(taken.stderr, /taken\.yaml:\d+: listen: .* is taken by another program/);

    configuration('bad.yaml', '127.0.0.1:0', { playbooks: ['good.yaml', 'wrong.yaml'] });
    const bad = await call('run', '-c', 'bad.yaml');
    assert.equal(bad.code, 2);
    assert.match(bad.stderr, /wrong\.yaml:\d+: /);
    assert.equal((await call('verify', '-c', 'bad.yaml')).code, 0);
});

test('the sandbox is another gateway that may not be there', async () => {
    writeFileSync(join(dir, 'sandbox.yaml'), JSON.stringify({ listen: '127.0.0.1:1', connections: {} }));
    assert.equal((await call('sandbox', '-c', 'nowhere.yaml')).code, 2);
    assert.equal((await call('sandbox', 'say', '小美', '抽奖', '-c', 'nowhere.yaml')).code, 2);
    assert.equal((await call('sandbox', 'say', '小美', '抽奖', '-c', 'sandbox.yaml')).code, 3);
});

test('a stop leaves a clean store', async () => {
    const asked = new Promise((done, fail) => {
        const socket = createConnection(join(dir, 'up.yaml.data/siyu.sock'), () => socket.write('{"do":"ask","request":{"ask":"status"}}\n'));
        socket.setEncoding('utf8').on('data', done).on('error', fail);
    });
    assert.equal(JSON.parse(await asked).ok, true);
    assert.deepEqual(await gateway.end('SIGTERM', 40000), { code: 0, signal: null }, gateway.output);
    const { code, body } = await json('verify', '-c', 'up.yaml');
    assert.deepEqual([code, body.clean], [0, true]);
});
