// SPDX-License-Identifier: Apache-2.0
// What every bench starts: a gateway in a directory of its own, and nginx as the cheapest server there is.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Child, freePort, run, until } from '../../tests/scenario/support/process.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
export const siyu = resolve(process.env.SIYU ?? join(root, 'build/siyu'));

/* Runs `body` with a directory and a list of children; both are gone afterwards. */
export async function bench(body) {
    const dir = mkdtempSync(join(tmpdir(), 'siyu-bench-')), children = [];
    try {
        await body({ dir, children });
    } catch (err) {
        for (const child of children)
            console.error(`---- ${child.name} said last:\n${child.output.slice(-2000)}`);
        throw err;
    } finally {
        for (const child of children.reverse())
            await child.end('SIGTERM', 5000); // a killed nginx would leave its worker
        rmSync(dir, { recursive: true, force: true });
    }
}

export function start(world, name, file, args, options = {}) {
    const child = new Child(file, args, { cwd: world.dir, name, ...options });
    world.children.push(child);
    return child;
}

export async function answers(child, url) {
    await until(() => `${child.name} does not answer`, async () => {
        if (!child.running)
            throw new Error(`${child.name} ended`);
        const answer = await fetch(url).catch(() => null);
        await answer?.arrayBuffer();
        return answer?.status === 200;
    }, 60000, 20);
}

/* One worker that answers everything with `text`; `pid` is the worker's. */
export async function startNginx(world, text = '') {
    const port = await freePort(), conf = join(world.dir, 'nginx.conf');
    const root = process.getuid() === 0 ? 'user root;' : '';
    writeFileSync(conf, `${root} worker_processes 1; daemon off; pid ${world.dir}/nginx.pid; error_log stderr;
        events { worker_connections 512; }
        http { access_log off; keepalive_requests 10000000; keepalive_timeout 600s; client_body_temp_path ${world.dir};
               default_type application/json;
               server { listen 127.0.0.1:${port}; location / { return 200 '${text}'; } } }`);
    const child = start(world, 'nginx', 'nginx', ['-p', world.dir, '-c', conf]);
    await answers(child, `http://127.0.0.1:${port}/`);
    const { stdout } = await run('pgrep', ['-P', String(child.pid)]);
    return { child, port, pid: Number(stdout.trim()) };
}

export async function configure(world, config, playbook) {
    world.port = await freePort();
    mkdirSync(join(world.dir, 'data'), { recursive: true });
    writeFileSync(join(world.dir, 'siyu.yaml'), JSON.stringify({
        listen: `127.0.0.1:${world.port}`, data: './data', playbooks: playbook ? ['playbook.yaml'] : [], ...config }));
    if (playbook)
        writeFileSync(join(world.dir, 'playbook.yaml'), JSON.stringify({ timezone: 'Asia/Shanghai', ...playbook }));
}

export async function startGateway(world) {
    const child = start(world, 'siyu', siyu, ['run', '-c', 'siyu.yaml']);
    await answers(child, `http://127.0.0.1:${world.port}/readyz`);
    return child;
}

/* /metrics as {name: number}, labels kept in the name. */
export async function metrics(world) {
    const text = await (await fetch(`http://127.0.0.1:${world.port}/metrics`)).text();
    return Object.fromEntries(text.split('\n').filter((l) => l && !l.startsWith('#')).map((l) => {
        const at = l.lastIndexOf(' ');
        return [l.slice(0, at), Number(l.slice(at + 1))];
    }));
}

/* Rows of equal width; the first is the head. */
export function table(rows) {
    const widths = rows[0].map((_, i) => Math.max(...rows.map((r) => String(r[i]).length)));
    for (const row of rows)
        console.log(row.map((cell, i) => (i ? String(cell).padStart(widths[i]) : String(cell).padEnd(widths[i]))).join('  '));
}

export const thousands = (n) => (n === null || Number.isNaN(n) ? '-' : Math.round(n).toLocaleString('en-US'));
