#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// An encrypted callback end to end: verified, opened, matched against 1,000 rules, committed with its decision
// (synchronous=FULL), answered with an encrypted reply. Beside it nginx `return 200` (the ceiling) and the npm `wechat`
// middleware, which keeps nothing (the peer). Official account, safe mode; message text of 458 bytes as wecom.md's V2.
//
//   bench/callback/run.mjs [--requests 20000] [--warmup 2000] [--followers 2000] [--rules 1000] [--width 16]
import { createHash, randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { seal, signature, unseal } from '../../tests/fault/support/seal.mjs';
import { freePort, until } from '../../tests/scenario/support/process.mjs';
import { costOf } from '../support/cost.mjs';
import { drive, percentile, post } from '../support/load.mjs';
import { answers, bench, configure, metrics, start, startGateway, startNginx, table, thousands } from '../support/site.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const BODY_BYTES = 458;
const brand = { kind: 'official', appid: 'wx1234567890abcdef', secret: 'brand-secret', token: 'gw_oa_token', mode: 'safe',
                aes_key: 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG', account_type: 'service' };
const { values } = parseArgs({ options: Object.fromEntries(
    Object.entries({ requests: '20000', warmup: '2000', followers: '2000', rules: '1000', width: '16' })
        .map(([name, def]) => [name, { type: 'string', default: def }])) });
const [REQUESTS, WARMUP, FOLLOWERS, RULES, WIDTH] =
    ['requests', 'warmup', 'followers', 'rules', 'width'].map((name) => Number(values[name]));

const word = (i) => `词${String(i).padStart(4, '0')}号`;
let sequence = 0;

/* Everybody writes in turn; the rules are hit in an order of their own. */
function message(nowS) {
    const n = sequence++, follower = `o${createHash('sha1').update(String(n % FOLLOWERS)).digest('hex').slice(0, 27)}`;
    const head = '<xml><ToUserName><![CDATA[gh_0123456789ab]]></ToUserName><FromUserName><![CDATA[' + follower +
        `]]></FromUserName><CreateTime>${nowS}</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[`;
    const tail = `]]></Content><MsgId>${24000000000000000n + BigInt(n)}</MsgId></xml>`;
    const text = word(n * 7919 % RULES);
    const pad = BODY_BYTES - Buffer.byteLength(head + text + tail);
    return head + text + ' '.padEnd(pad, 'abcdefghij ') + tail;
}

function callback() {
    const nowS = Math.floor(Date.now() / 1000), nonce = randomBytes(5).toString('hex');
    const sealed = seal(brand.aes_key, brand.appid, message(nowS));
    const plainSign = createHash('sha1').update([brand.token, String(nowS), nonce].sort().join('')).digest('hex');
    return post(`/hooks/brand?signature=${plainSign}&timestamp=${nowS}&nonce=${nonce}&openid=o1&encrypt_type=aes&` +
                `msg_signature=${signature(brand.token, String(nowS), nonce, sealed)}`,
                `<xml><ToUserName><![CDATA[gh_0123456789ab]]></ToUserName><Encrypt><![CDATA[${sealed}]]></Encrypt></xml>`);
}

const callbacks = (n) => Array.from({ length: n }, callback);

/* The reply to the first request, opened: an answer that is not what the rule says would make the figures worthless. */
function check(name, { refused, sample }) {
    if (refused > 0)
        throw new Error(`${name} refused ${refused} requests: ${sample}`);
    if (name === 'nginx')
        return;
    const sealed = /<Encrypt><!\[CDATA\[([^\]]+)/.exec(sample)?.[1];
    if (!sealed || !unseal(brand.aes_key, sealed).includes('答复'))
        throw new Error(`${name} did not answer with an encrypted reply: ${sample}`);
}

async function measure(name, port, pid, rest = async () => {}) {
    check(name, await drive(port, callbacks(WARMUP), WIDTH));
    await rest();
    const requests = callbacks(REQUESTS);
    const { answer, cpu, user, kernel } = await costOf(pid(), () => drive(port, requests, WIDTH));
    check(name, answer);
    return { name, user: user && user / REQUESTS, kernel: kernel && kernel / REQUESTS, cpu: cpu / REQUESTS * 1e6,
             rate: REQUESTS / answer.seconds, p50: percentile(answer.micros, 0.5), p99: percentile(answer.micros, 0.99) };
}

/* Passive replies stand 20 s before they count as accepted: that work is the callback's too. */
async function settled(world) {
    await until('the replies to settle', async () => !(await metrics(world))['siyu_deliveries{state="in_flight"}'], 90000, 1000);
}

async function measureSiyu(world, nginx) {
    await configure(world, { connections: { brand: { ...brand, api_base: `http://127.0.0.1:${nginx.port}` } } }, {
        playbook: 'bench',
        templates: Object.fromEntries(Array.from({ length: RULES }, (_, i) => [`t${i}`, { text: `答复${i}` }])),
        rules: Array.from({ length: RULES }, (_, i) => ({ id: `r${i}`, on: 'message.received', from: ['brand'],
                                                          keyword: { prefix: [word(i)] }, do: [{ send: `t${i}` }] })),
    });
    const gateway = await startGateway(world);
    let before;
    const result = await measure('siyu', world.port, () => gateway.pid, async () => {
        await until('the calls of the warm-up to end', async () => (await metrics(world)).siyu_attempts_open === 0, 60000, 200);
        await settled(world);
        before = await metrics(world);
    });
    const after = await metrics(world), later = await costOf(gateway.pid, () => settled(world));
    return { ...result, later: later.user === null ? null : (later.user + later.kernel) / REQUESTS, commits: (after.siyu_batches_total - before.siyu_batches_total) / REQUESTS };
}

async function measurePeer(world) {
    const port = await freePort();
    const peer = start(world, 'wechat', process.execPath,
                       [join(here, 'peer.cjs'), String(port), brand.token, brand.appid, brand.aes_key, String(RULES)]);
    await answers(peer, `http://127.0.0.1:${port}/?signature=${createHash('sha1').update(
        [brand.token, '1', '1'].sort().join('')).digest('hex')}&timestamp=1&nonce=1&echostr=1`);
    return measure('wechat', port, () => peer.pid);
}

await bench(async (world) => {
    const nginx = await startNginx(world, '{"errcode":0,"errmsg":"ok","access_token":"T","expires_in":7200}');
    const rows = [await measure('nginx', nginx.port, () => nginx.pid), await measurePeer(world),
                  await measureSiyu(world, nginx)];
    const [ceiling, peer, ours] = rows;
    const total = (r) => (r.user === null ? null : r.user + r.kernel);
    console.log(`callback: ${REQUESTS} requests after ${WARMUP}, ${WIDTH} in flight, ${RULES} rules, ${FOLLOWERS} followers`);
    table([['', 'instructions', 'user', 'kernel', 'cpu us', 'requests/s', 'p50 us', 'p99 us', 'commits/request', 'settling later'],
           ...rows.map((r) => [r.name, thousands(total(r)), thousands(r.user), thousands(r.kernel), r.cpu.toFixed(1),
                               thousands(r.rate), thousands(r.p50), thousands(r.p99),
                               r.commits === undefined ? '-' : r.commits.toFixed(3),
                               r.later === undefined ? '-' : thousands(r.later)])]);
    const of = (r) => total(r) ?? r.cpu;
    console.log(`ratio: ${(of(peer) / of(ours)).toFixed(1)} times less than wechat, ` +
                `${(of(ours) / of(ceiling)).toFixed(1)} times nginx`);
});
