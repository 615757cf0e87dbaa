/* SPDX-License-Identifier: Apache-2.0 */
/* Tells the recorded reasons in the order in which they happened: nothing is guessed here. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/shanghai.h"
#include "cli/cli.h"
#include "store/reader.h"

enum { CONTACTS_MAX = 20, PAGE = 500 };

/* One question: a reader, a page of memory, and how the answer is wanted. */
struct telling {
    const struct cli *cli;
    struct reader *reader;
    struct arena arena;
    json_t *out; /* --json: an array of people */
};

static void add_text(json_t *obj, const char *key, struct str s)
{
    (void)json_object_set_new(obj, key, json_stringn(s.n ? s.p : "", s.n));
}

/* ---- people's form ---- */

static void print_value(const char *key, const json_t *v)
{
    if (json_is_string(v) && json_string_length(v))
        (void)printf(" %s=%s", key, json_string_value(v));
    else if (json_is_integer(v) && (strstr(key, "_ms") != NULL) && json_integer_value(v) > 0) {
        char when[SHANGHAI_TEXT_BYTES];
        shanghai_format(json_integer_value(v), when);
        (void)printf(" %.*s=\"%s\"", (int)strlen(key) - 3, key, when);
    } else if (json_is_integer(v)) {
        (void)printf(" %s=%" JSON_INTEGER_FORMAT, key, json_integer_value(v));
    }
}

static void print_detail(struct str text)
{
    json_t *detail = NULL, *v, *inner;
    const char *key, *name;

    if (json_parse(text, JSON_DEPTH, &detail, NULL) != 0)
        return;
    json_object_foreach(detail, key, v)
    {
        if (!json_is_object(v))
            print_value(key, v);
        else
            json_object_foreach(v, name, inner) print_value(name, inner);
    }
    json_decref(detail);
}

static void print_trace(const struct trace_row *t)
{
    char when[SHANGHAI_TEXT_BYTES];

    shanghai_format(t->at_ms, when);
    (void)printf("  %s  %-12.*s", when, STR_ARG(t->what));
    if (t->delivery.v)
        (void)printf(" delivery=%" PRId64, t->delivery.v);
    print_detail(t->detail);
    (void)printf("\n");
}

static void print_person(const struct contact_facts *f)
{
    (void)printf("%.*s%scontact %" PRId64 "\n", STR_ARG(f->row.name), f->row.name.n ? "  " : "", f->row.id.v);
    for (size_t i = 0; i < f->identity_count; i++)
        (void)printf("  known as %.*s\n", STR_ARG(f->identities[i].external));
    for (size_t i = 0; i < f->tag_count; i++)
        (void)printf("  tag %.*s (from %.*s)\n", STR_ARG(f->tags[i].tag), STR_ARG(f->tags[i].source));
    for (size_t i = 0; i < f->refusal_count; i++)
        (void)printf("  refuses %.*s\n", STR_ARG(f->refusals[i].scope));
}

/* ---- the same as JSON ---- */

static json_t *trace_json(const struct trace_row *t)
{
    json_t *detail = NULL, *out;

    if (json_parse(t->detail, JSON_DEPTH, &detail, NULL) != 0)
        detail = json_object();
    out = json_pack("{s:I, s:I, s:I, s:I, s:o}", "at_ms", (json_int_t)t->at_ms, "event",
                    (json_int_t)t->event.v, "delivery", (json_int_t)t->delivery.v, "attempt",
                    (json_int_t)t->attempt.v, "detail", detail);
    add_text(out, "what", t->what);
    return out;
}

static json_t *person_json(const struct contact_facts *f)
{
    json_t *out = json_pack("{s:I, s:[], s:[], s:[], s:[]}", "contact", (json_int_t)f->row.id.v, "ids",
                            "tags", "refuses", "trace");

    add_text(out, "name", f->row.name);
    for (size_t i = 0; i < f->identity_count; i++)
        (void)json_array_append_new(json_object_get(out, "ids"),
                                    json_stringn(f->identities[i].external.p, f->identities[i].external.n));
    for (size_t i = 0; i < f->tag_count; i++)
        (void)json_array_append_new(json_object_get(out, "tags"),
                                    json_stringn(f->tags[i].tag.p, f->tags[i].tag.n));
    for (size_t i = 0; i < f->refusal_count; i++)
        (void)json_array_append_new(json_object_get(out, "refuses"),
                                    json_stringn(f->refusals[i].scope.p, f->refusals[i].scope.n));
    return out;
}

/* ---- telling ---- */

static void tell_page(struct telling *t, const struct trace_row *rows, size_t n, json_t *into)
{
    for (size_t i = 0; i < n; i++) {
        if (into)
            (void)json_array_append_new(into, trace_json(&rows[i]));
        else
            print_trace(&rows[i]);
    }
    (void)t;
}

static int tell_contact(struct telling *t, struct contact_id id)
{
    struct contact_facts facts;
    struct trace_row *rows;
    int64_t place = 0;
    size_t n = PAGE;
    json_t *person = NULL;
    int err = reader_contact_facts(t->reader, id, &t->arena, &facts);

    if (err)
        return err;
    if (t->cli->json)
        person = person_json(&facts);
    else
        print_person(&facts);
    while (n == PAGE && !err) {
        err = reader_traces_of_contact(t->reader, id, place, PAGE, &t->arena, &rows, &n, &place);
        if (!err)
            tell_page(t, rows, n, json_object_get(person, "trace"));
        arena_reset(&t->arena);
    }
    if (person)
        (void)json_array_append_new(t->out, person);
    return err;
}

static int tell_delivery(struct telling *t, struct delivery_id id)
{
    struct delivery_row row;
    struct trace_row *rows;
    int64_t place;
    size_t n;
    int err = reader_delivery(t->reader, id, &t->arena, &row);

    if (!err)
        err = reader_traces_of_delivery(t->reader, id, 0, PAGE, &t->arena, &rows, &n, &place);
    if (err)
        return err;
    if (!t->cli->json)
        (void)printf("delivery %" PRId64 "  %s  %s%s%s\n", id.v, message_class_text(row.class),
                     delivery_state_text(row.state), row.cause == CAUSE_NONE ? "" : ": ",
                     row.cause == CAUSE_NONE ? "" : cause_text(row.cause));
    tell_page(t, rows, n, t->out);
    return 0;
}

static int tell_all(struct telling *t, struct str any)
{
    struct contact_row *people;
    struct arena found;
    int64_t number;
    size_t n;

    arena_init(&found, 1 << 20);
    int err = reader_find_contact(t->reader, any, CONTACTS_MAX, &found, &people, &n);
    for (size_t i = 0; i < n && !err; i++)
        err = tell_contact(t, people[i].id);
    if (!err && !n)
        err = str_to_i64(any, &number) == 0 ? tell_delivery(t, (struct delivery_id){number}) : ERR_NOT_FOUND;
    arena_fini(&found);
    return err;
}

int cli_why(const struct cli *c)
{
    struct telling t = {.cli = c};
    struct diag diag;
    char *data = NULL;

    if (c->argc != 1) {
        (void)fprintf(
            stderr,
            "usage: siyu why CONTACT|DELIVERY   (an id, a platform's id, a phone number or a name)\n");
        return CLI_USAGE;
    }
    if (cli_data_dir(c, &data) != 0)
        return CLI_USAGE;
    diag_init(&diag, 10);
    arena_init(&t.arena, (size_t)64 << 20);
    t.out = c->json ? json_array() : NULL;
    int err = reader_open(data, &t.reader, &diag);
    if (!err)
        err = tell_all(&t, str_of(c->argv[0]));
    if (!err && c->json)
        cli_print_json(t.out);
    int code = CLI_GOOD;
    if (!t.reader)
        code = cli_fail(c, CLI_USAGE, "%s", diag_count(&diag) ? diag_text(&diag, 0) : err_text(err));
    else if (err)
        code =
            cli_fail(c, CLI_FOUND_WRONG, "%s: %s", c->argv[0],
                     err == ERR_NOT_FOUND ? "nobody and nothing is known by that id or name" : err_text(err));
    reader_close(t.reader);
    json_decref(t.out);
    arena_fini(&t.arena);
    diag_fini(&diag);
    mem_free(data);
    return code;
}
