// SPDX-License-Identifier: Apache-2.0
// A child process of a test: its output is kept, it is waited for, and it never outlives the test.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';

const KEPT_BYTES = 256 * 1024;

export class Child {
    constructor(file, args, options = {}) {
        this.name = options.name ?? file;
        this.output = '';
        this.child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: options.cwd });
        this.exited = once(this.child, 'close').then(([code, signal]) => ({ code, signal }));
        for (const stream of [this.child.stdout, this.child.stderr])
            stream.setEncoding('utf8').on('data', (text) => { this.output = (this.output + text).slice(-KEPT_BYTES); });
    }

    get pid() { return this.child.pid; }
    get running() { return this.child.exitCode === null && this.child.signalCode === null; }

    signal(name) {
        if (this.running)
            this.child.kill(name);
    }

    /* Ends it with `name`; after `withinMs` it is killed, which a test can see from the answer. */
    async end(name, withinMs) {
        const timer = setTimeout(() => this.signal('SIGKILL'), withinMs);
        this.signal(name);
        const how = await this.exited;
        clearTimeout(timer);
        return how;
    }
}

/* Runs a command to its end. */
export async function run(file, args, options = {}) {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: options.cwd });
    const timer = setTimeout(() => child.kill('SIGKILL'), options.withinMs ?? 30000);
    let stdout = '', stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text) => { stdout += text; });
    child.stderr.setEncoding('utf8').on('data', (text) => { stderr += text; });
    const [code, signal] = await once(child, 'close');
    clearTimeout(timer);
    return { code, signal, stdout, stderr };
}

/* Below the range from which the kernel takes the ports of outgoing connections, so that nobody is given it by chance. */
export async function freePort() {
    for (;;) {
        const port = 20000 + Math.floor(Math.random() * 12000);
        const server = createServer();
        const free = await new Promise((resolve) => {
            server.once('error', () => resolve(false));
            server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
        });
        if (free)
            return port;
    }
}

export const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/* The first true answer of `ask`; throws when there is none within `withinMs` of real time. */
export async function until(what, ask, withinMs = 20000, everyMs = 50) {
    const end = Date.now() + withinMs;
    for (;;) {
        const answer = await ask();
        if (answer)
            return answer;
        if (Date.now() > end)
            throw new Error(`not within ${withinMs} ms: ${typeof what === 'function' ? what() : what}`);
        await sleep(everyMs);
    }
}
