// SPDX-License-Identifier: Apache-2.0
// What a process costs while something runs: instructions by `perf stat`, CPU time and resident memory by /proc.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { sleep } from '../../tests/scenario/support/process.mjs';

const TICKS_A_SECOND = 100;

export function cpuSeconds(pid) {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
}

export function residentBytes(pid) {
    return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;
}

/* Runs `work` and gives its answer with what `pid` spent meanwhile; `user` and `kernel` are null where perf cannot count. */
export async function costOf(pid, work) {
    const dir = mkdtempSync(join(tmpdir(), 'siyu-perf-')), file = join(dir, 'stat');
    const perf = spawn('perf', ['stat', '-x', ',', '-e', 'instructions:u,instructions:k', '-p', String(pid), '-o', file],
                       { stdio: 'ignore' });
    const gone = once(perf, 'close').catch(() => null);
    perf.on('error', () => {});
    await sleep(300);
    const before = cpuSeconds(pid), answer = await work(), cpu = cpuSeconds(pid) - before;
    perf.kill('SIGINT');
    await gone;
    let user = null, kernel = null;
    try {
        for (const line of readFileSync(file, 'utf8').split('\n')) {
            const [count, , event] = line.split(',');
            if (/^\d+$/.test(count) && event.startsWith('instructions:u'))
                user = Number(count);
            if (/^\d+$/.test(count) && event.startsWith('instructions:k'))
                kernel = Number(count);
        }
    } catch { /* perf is not there */ }
    rmSync(dir, { recursive: true, force: true });
    return { answer, cpu, user, kernel };
}
