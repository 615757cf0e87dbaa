/* SPDX-License-Identifier: Apache-2.0 */
/* Traces: each has a number of its own among those of its person or group; a row holds some in a line and is
 * keyed by the number of the last. */
#include "store/reader_private.h"
#include "store/trace_text.h"

/* What is looked for, and what was found so far. */
struct search {
    struct contact_id contact;
    struct group_id group;
    struct delivery_id delivery; /* 0: everything */
    struct event_id event;       /* of that delivery */
    int64_t after;
    size_t limit;
    struct vec found;
    int64_t last; /* number of the last one found */
};

static bool wanted(const struct search *s, const struct trace_row *t)
{
    return s->delivery.v == 0 || t->delivery.v == s->delivery.v ||
           (s->event.v != 0 && t->delivery.v == 0 && t->event.v == s->event.v);
}

static size_t count_lines(struct str text)
{
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == '\n';
    return n;
}

/* The traces of one row, whose last one has the number `last`. */
static int search_row(struct search *s, int64_t last, struct str text)
{
    int64_t number = last - (int64_t)count_lines(text);
    int r = 0;

    while (r == 0 && text.n && s->found.count < s->limit) {
        struct trace_row t = {.contact = s->contact, .group = s->group};
        struct trace_row *row;

        r = trace_unpack(&text, &t);
        if (r < 0 || ++number <= s->after || !wanted(s, &t))
            continue;
        row = vec_add(&s->found);
        if (row == NULL)
            return -ENOMEM;
        *row = t;
        s->last = number;
    }
    return r;
}

static int search_all(struct reader *r, struct search *s, struct arena *a, struct trace_row **ret, size_t *ret_n,
                      int64_t *ret_last)
{
    struct db_query *q = db_query(r->db, "SELECT last, entries FROM trace"
                                         " WHERE contact = ? AND grp = ? AND last > ? ORDER BY last");
    int err;

    db_bind(q, s->contact.v);
    db_bind(q, s->group.v);
    db_bind(q, s->after);
    vec_init(&s->found, a, sizeof **ret);
    s->last = s->after;
    while (s->found.count < s->limit && db_step(q) > 0) {
        int64_t last = db_int(q);

        db_stick(q, search_row(s, last, db_text(q, a)));
    }
    err = vec_give(&s->found, db_end(q), ret, ret_n);
    if (err == 0)
        *ret_last = s->last;
    return err;
}

int reader_traces_of_contact(struct reader *r, struct contact_id id, int64_t after, size_t limit,
                             struct arena *a, struct trace_row **ret, size_t *ret_n, int64_t *ret_last)
{
    struct search s = {.contact = id, .after = after, .limit = limit};

    return search_all(r, &s, a, ret, ret_n, ret_last);
}

int reader_traces_of_delivery(struct reader *r, struct delivery_id id, int64_t after, size_t limit,
                              struct arena *a, struct trace_row **ret, size_t *ret_n, int64_t *ret_last)
{
    struct delivery_row row = {0};
    struct search s = {.delivery = id, .after = after, .limit = limit};
    int err = reader_delivery(r, id, a, &row);

    if (err < 0)
        return err;
    s.contact = row.contact;
    s.group = row.group;
    s.event.v = row.origin_kind == ORIGIN_EVENT ? row.origin : 0;
    return search_all(r, &s, a, ret, ret_n, ret_last);
}
