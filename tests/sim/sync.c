/* SPDX-License-Identifier: Apache-2.0 */
/*     IDLE --wake--> FETCHING --page--> STORING --stored--> FETCHING (more) | IDLE
 *                       '-- refused, unheard: a second later without token
 */
#include "sim/sync.h"

#include <stdio.h>
#include <string.h>

#include "adapters/wecom/wecom_kf_page.h"
#include "host/inbound.h"
#include "sim/carrier.h"
#include "sim/gate.h"
#include "sim/oracle.h"
#include "sim/post.h"
#include "sim/sim.h"
#include "store/store.h"

#define POLL_MS INT64_C(300000)
enum { PAGE = 5 }; /* small, so that there are many */

enum sync_state { SYNC_IDLE, SYNC_FETCHING, SYNC_STORING };

struct sync {
    struct sim *sim;
    enum sync_state state;
    bool again, more;
    char cursor[64], next[64], token[128];
    struct inbound_id waits;
    struct op_inbound *op; /* shared with the engine, while it stores */
};

struct sync *sync_new(struct sim *s)
{
    struct sync *x = mem_calloc(1, sizeof *x);

    sim_must(x != NULL, "memory");
    x->sim = s;
    return x;
}

static void forget_op(struct sync *x)
{
    if (x->op)
        message_free(&x->op->m);
    x->op = NULL;
}

void sync_free(struct sync *x)
{
    if (!x)
        return;
    forget_op(x);
    mem_free(x);
}

void sync_died(struct sync *x)
{
    struct sim *s = x->sim;

    forget_op(x);
    *x = (struct sync){.sim = s};
}

static void fetch(struct sync *x, int64_t delay_ms);

static void store_page(struct sync *x, const struct wecom_kf_page *page)
{
    struct sim *s = x->sim;
    struct op_inbound *op;

    (void)snprintf(x->next, sizeof x->next, "%.*s", STR_ARG(page->next_cursor));
    x->more = page->has_more;
    x->waits = post_inbound_id(s->post);
    sim_must(inbound_op(x->waits, gate_connection(s->gate, "kf"), page->events, page->count, x->next,
                        sim_now(s), clock_mono_ms(&s->clock), &op) == 0,
             "a page's op");
    x->op = container_of(message_share(&op->m), struct op_inbound, m);
    x->state = SYNC_STORING;
    sim_tracef(s, "sync   %zu events, cursor %s", page->count, x->next);
    gate_post(s->gate, &op->m);
}

static void on_page(void *ctx)
{
    struct sync *x = ctx;
    struct wecom_kf_page page;
    struct buf body;
    json_t *answer;
    int code = 0;
    bool calm = sim_now(x->sim) >= x->sim->calm_ms;

    buf_init(&body, 4096);
    sim_must(wecom_kf_sync_write(str_of(x->cursor), str_of(x->token), STR("wk1"), PAGE, &body) == 0,
             "a page");
    answer = carrier_sync(x->sim->carrier, buf_str(&body), &code);
    buf_fini(&body);
    if (!answer || (!calm && chance_hit(&x->sim->chance, x->sim->weather.lost_reply))) {
        sim_tracef(x->sim, "sync   no page (%d)", code);
        x->token[0] = '\0';
        fetch(x, code == 45009 ? 60000 : 1000);
    } else {
        sim_must(wecom_kf_page_read(&page, answer) == 0, "a page");
        store_page(x, &page);
        wecom_kf_page_fini(&page);
    }
    json_decref(answer);
}

static void fetch(struct sync *x, int64_t delay_ms)
{
    x->state = SYNC_FETCHING;
    sim_later_ours(x->sim, delay_ms + chance_between(&x->sim->chance, 1, 60), on_page, timeline_keep, x);
}

void sync_wake(struct sync *x, struct str token)
{
    if (token.n)
        (void)snprintf(x->token, sizeof x->token, "%.*s", STR_ARG(token));
    if (x->state == SYNC_IDLE)
        fetch(x, 0);
    else
        x->again = true;
}

static void on_poll(void *ctx)
{
    struct sync *x = ctx;

    if (x->state == SYNC_IDLE)
        x->token[0] = '\0';
    sync_wake(x, (struct str){NULL, 0});
    bool seldom = sim_now(x->sim) >= x->sim->calm_ms || sim_is_long(x->sim);
    sim_later_ours(x->sim, seldom ? 24 * 12 * POLL_MS : POLL_MS, on_poll, timeline_keep, x);
}

void sync_started(struct sync *x)
{
    struct arena a;
    struct str cursor = {NULL, 0};

    arena_init(&a, 65536);
    int err = store_load_cursor(gate_store(x->sim->gate), gate_connection(x->sim->gate, "kf"), &a, &cursor);
    sim_must(err == 0 || err == ERR_NOT_FOUND, "the cursor");
    (void)snprintf(x->cursor, sizeof x->cursor, "%.*s", STR_ARG(cursor));
    arena_fini(&a);
    on_poll(x);
}

bool sync_stored(struct sync *x, const struct reply_stored *r)
{
    if (x->state != SYNC_STORING || r->id.v != x->waits.v)
        return false;
    if (r->err) {
        fetch(x, 1000);
    } else {
        oracle_acknowledged(x->sim->oracle, x->op);
        memcpy(x->cursor, x->next, sizeof x->cursor);
        if (x->more || x->again) {
            x->again = x->more && x->again;
            fetch(x, 0);
        } else {
            x->state = SYNC_IDLE;
        }
    }
    forget_op(x);
    return true;
}
