/* SPDX-License-Identifier: Apache-2.0 */
/* sim [--seeds N] [--from N] [--jobs N] [--trace]; SIYU_SEED=n runs that one alone. Each seed is a process of
 * its own, so that one that aborts is a finding with a number, too.
 *
 * The seeds that once found something come first, always.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fold.h"
#include "base/log.h"
#include "base/mem.h"
#include "rulepack/rulepack.h"
#include "sim/gate.h"
#include "sim/oracle.h"
#include "sim/regressions.h"
#include "sim/sim.h"

enum { SEED_SECONDS = 120, JOBS_MAX = 16, RED_SHOWN = 50 };

struct options {
    uint64_t from, seeds;
    size_t jobs;
    bool one, trace, regressions;
};

struct tools {
    struct rulepack *rules;
    struct fold *fold;
};

static int run_seed(const struct tools *t, uint64_t seed, const struct options *o)
{
    struct sim *s = sim_new(seed, o->trace, t->rules, t->fold);
    int64_t findings = sim_run(s);
    struct oracle_figures f = oracle_figures(s->oracle);

    if (o->one)
        (void)printf("seed %llu: %lld batches, %lld lives, %lld acknowledged, %lld orders, %lld taken, %lld "
                     "findings\n",
                     (unsigned long long)seed, (long long)gate_batches(s->gate), (long long)(s->life + 1) / 2,
                     (long long)f.acknowledged, (long long)f.orders, (long long)f.taken, (long long)findings);
    sim_free(s);
    return findings ? 1 : 0;
}

static pid_t start_seed(const struct tools *t, uint64_t seed, const struct options *o)
{
    (void)fflush(NULL);
    pid_t pid = fork();

    if (pid < 0) {
        perror("fork");
        exit(2);
    }
    if (pid == 0) {
        (void)alarm(SEED_SECONDS);
        exit(run_seed(t, seed, o));
    }
    return pid;
}

struct job {
    pid_t pid;
    uint64_t seed;
};

struct crowd {
    struct job jobs[JOBS_MAX];
    size_t count, red;
    uint64_t reds[RED_SHOWN];
};

static void await_one(struct crowd *c)
{
    int status = 0;
    pid_t pid = wait(&status);

    for (size_t i = 0; i < c->count; i++) {
        if (c->jobs[i].pid != pid)
            continue;
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            (void)fprintf(stderr, "seed %llu: red (%s %d)\n", (unsigned long long)c->jobs[i].seed,
                          WIFEXITED(status) ? "exit" : "signal",
                          WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
            if (c->red < RED_SHOWN)
                c->reds[c->red] = c->jobs[i].seed;
            c->red++;
        }
        c->jobs[i] = c->jobs[--c->count];
        return;
    }
}

static void run_one(struct crowd *c, const struct tools *t, uint64_t seed, const struct options *o)
{
    if (c->count == o->jobs)
        await_one(c);
    c->jobs[c->count++] = (struct job){start_seed(t, seed, o), seed};
}

static int run_all(const struct tools *t, const struct options *o)
{
    struct crowd c = {.count = 0};
    size_t done = 0;

    for (size_t i = 0; o->regressions && i < ARRAY_LEN(regressions); i++, done++)
        run_one(&c, t, regressions[i].seed, o);
    for (uint64_t i = 0; i < o->seeds; i++, done++)
        run_one(&c, t, o->from + i, o);
    while (c.count)
        await_one(&c);
    (void)printf("%zu seeds, %zu red\n", done, c.red);
    for (size_t i = 0; i < c.red && i < RED_SHOWN; i++)
        (void)printf("again with its trace: SIYU_SEED=%llu sim --trace\n", (unsigned long long)c.reds[i]);
    return c.red ? 1 : 0;
}

static bool number(const char *text, uint64_t *ret)
{
    return text && str_to_u64(str_of(text), ret) == 0;
}

static bool read_options(int argc, char **argv, struct options *o)
{
    uint64_t n;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--trace") == 0) {
            o->trace = true;
        } else if (strcmp(argv[i], "--seeds") == 0 && number(argv[i + 1], &n)) {
            o->seeds = n;
            i++;
        } else if (strcmp(argv[i], "--from") == 0 && number(argv[i + 1], &n)) {
            o->from = n;
            o->regressions = false;
            i++;
        } else if (strcmp(argv[i], "--jobs") == 0 && number(argv[i + 1], &n) && n >= 1 && n <= JOBS_MAX) {
            o->jobs = (size_t)n;
            i++;
        } else {
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    struct options o = {.from = 1, .seeds = 300, .jobs = 2, .regressions = true};
    struct tools t;
    struct diag diag;
    int code;

    if (!read_options(argc, argv, &o)) {
        (void)fprintf(stderr, "usage: sim [--seeds N] [--from N] [--jobs N] [--trace]\n");
        return 2;
    }
    log_set_level(LOG_ERROR);
    diag_init(&diag, 10);
    sim_must(rulepack_open(&t.rules, &diag) == 0 && fold_open(NULL, &t.fold) == 0, "rule pack and folding");
    diag_fini(&diag);
    o.one = number(getenv("SIYU_SEED"), &o.from);
    code = o.one ? run_seed(&t, o.from, &o) : run_all(&t, &o);
    fold_close(t.fold);
    rulepack_close(t.rules);
    return code;
}
