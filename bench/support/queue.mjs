// SPDX-License-Identifier: Apache-2.0
// A store with many deliveries that are due: the gateway makes the store, SQL fills its queue, as if a crash had left it.
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { run } from '../../tests/scenario/support/process.mjs';
import { configure, startGateway } from './site.mjs';

const TURN = 1201, FIRST_ID = 1000000000; // the rule pack's kf window; ids below every real one
const QUEUED = 1, PLANNED = 1, TRANSACTIONAL = 2, LANE = 1, SEND = 1, API = 3;

export const ANSWER = '{"errcode":0,"errmsg":"ok","access_token":"T","expires_in":7200,"msgid":"m"}';

/* Replies of one kf account to `n` customers who have all written just now. */
function fill(n, nowMs) {
    return `
PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA cache_size = -200000;
BEGIN;
CREATE TEMP TABLE t(id INTEGER PRIMARY KEY, who INTEGER);
INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ${n})
    SELECT ${FIRST_ID} + 2 * i, ${FIRST_ID} + 2 * i + 1 FROM n;
CREATE TEMP TABLE a AS SELECT a.id AS account, c.domain AS domain FROM account a JOIN connection c ON c.id = a.connection;
INSERT INTO contact(id, name, props, created_ms) SELECT who, '', '{}', ${nowMs} FROM t;
INSERT INTO identity(domain, external, contact) SELECT domain, printf('wm%024d', who), who FROM t, a;
INSERT INTO opening(limit_id, a, b, opened_ms) SELECT ${TURN}, account, who, ${nowMs} FROM t, a;
INSERT INTO content(id, rendered, body) VALUES (${FIRST_ID - 1}, 1, '{"text":"您的订单已发货，点击查看物流"}');
INSERT INTO delivery_key(contact, grp, origin, origin_kind, step, visit, id) SELECT who, 0, id, ${API}, 0, 0, id FROM t;
INSERT INTO outbox(id, account, lane, campaign, due_ms, origin_kind, origin, step, visit, contact, grp, class, op, state, cause,
    deadline_ms, created_ms, content, attempt, tries, hold_limit, hold_used, hold_max, code, changed_ms)
    SELECT id, account, ${LANE}, 0, ${nowMs}, ${API}, id, 0, 0, who, 0, ${TRANSACTIONAL}, ${SEND}, ${QUEUED}, ${PLANNED},
    9223372036854775807, ${nowMs}, ${FIRST_ID - 1}, 0, 0, 0, 0, 0, '', ${nowMs} FROM t, a;
INSERT INTO tally(kind, state, n) VALUES (0, ${QUEUED}, ${n}) ON CONFLICT DO UPDATE SET n = n + ${n};
COMMIT;
PRAGMA wal_checkpoint(TRUNCATE);
`;
}

/* Leaves a stopped gateway behind whose queue has `n` rows; 0: none. */
export async function queue(world, n, apiPort) {
    await configure(world, { connections: { kf: {
        kind: 'wecom-kf', corp_id: 'ww1234567890abcdef', secret: 'kf-secret', token: 'kfTok2026', open_kfid: 'wkAJ2GCAAA0001',
        aes_key: 'QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY', api_base: `http://127.0.0.1:${apiPort}` } } }, null);
    const db = join(world.dir, 'data/siyu.db');
    if (!existsSync(db)) {
        const gateway = await startGateway(world);
        await gateway.end('SIGTERM', 20000);
    }
    if (n === 0)
        return;
    const { code, stderr } = await run('sqlite3', ['-bail', db, fill(n, Date.now())], { withinMs: 600000 });
    if (code !== 0)
        throw new Error(`the queue cannot be filled: ${stderr}`);
}
