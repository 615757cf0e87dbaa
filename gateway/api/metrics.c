/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "api/api_private.h"
#include "base/json.h"

static void head(struct buf *out, const char *name, const char *type, const char *help)
{
    (void)buf_addf(out, "# HELP siyu_%s %s\n# TYPE siyu_%s %s\n", name, help, name, type);
}

static void counter(struct buf *out, const char *name, const char *help, uint64_t value)
{
    head(out, name, "counter", help);
    (void)buf_addf(out, "siyu_%s %" PRIu64 "\n", name, value);
}

static void gauge(struct buf *out, const char *name, const char *help, double value)
{
    head(out, name, "gauge", help);
    (void)buf_addf(out, "siyu_%s %g\n", name, value);
}

/* {"queued": 3, ...} becomes one line a state. */
static void by_state(struct buf *out, const char *name, const char *help, const json_t *states)
{
    const char *state;
    json_t *n;

    head(out, name, "gauge", help);
    json_object_foreach((json_t *)(uintptr_t)states, state, n)(void)
        buf_addf(out, "siyu_%s{state=\"%s\"} %" JSON_INTEGER_FORMAT "\n", name, state, json_integer_value(n));
}

int metrics_write(const struct api *a, const json_t *counts, struct buf *out)
{
    struct host_stats h = host_stats(a->host);
    struct core_stats c = core_stats(host_core(a->host));
    struct front_door_stats d = front_door_stats(a->door);
    struct loop_lag lag = loop_lag(a->conf.loop);

    by_state(out, "deliveries", "Deliveries by state.", json_object_get(counts, "deliveries"));
    by_state(out, "events", "Inbound events by state.", json_object_get(counts, "events"));
    counter(out, "inbound_total", "Inbound calls that carried events.", h.inbound);
    counter(out, "acknowledged_total", "Inbound calls acknowledged after their commit.", h.acknowledged);
    counter(out, "spooled_total", "Inbound calls acknowledged from the spool.", h.spooled);
    counter(out, "hooks_refused_total", "Callbacks answered with an error.", h.refused);
    counter(out, "attempts_total", "Provider calls ordered.", h.attempts);
    counter(out, "attempts_not_sent_total", "Provider calls that certainly sent nothing.", h.attempts_late);
    counter(out, "batches_total", "Engine transactions.", c.batches);
    counter(out, "ops_total", "Operations taken by the engine.", c.ops);
    gauge(out, "commit_max_seconds", "Slowest commit since start.", (double)c.commit_us_max / 1e6);
    gauge(out, "inbound_waiting", "Inbound calls not yet durable.", (double)h.inbound_waiting);
    gauge(out, "attempts_open", "Provider calls in flight.", (double)h.attempts_open);
    counter(out, "http_requests_total", "HTTP requests at the front door.", d.requests);
    gauge(out, "http_connections", "Open HTTP connections.", (double)d.connections);
    counter(out, "http_connections_refused_total", "Connections over a cap.", d.refused);
    gauge(out, "loop_lag_p99_seconds", "Loop lag of the last minute.", lag.p99_ms / 1000);
    gauge(out, "live_listeners", "Listeners of the live feed.", (double)a->live_count);
    counter(out, "live_dropped_total", "Lines that a listener was too slow for.", a->live_dropped);
    gauge(out, "engine_answers", "0 when the engine did not answer within a second: then no counts by state.",
          counts != NULL);
    gauge(out, "uptime_seconds", "Since the start.",
          (double)(loop_now_ms(a->conf.loop) - a->started_ms) / 1000);
    gauge(out, "ready", "1 when events are accepted.", a->ready);
    return buf_error(out);
}
