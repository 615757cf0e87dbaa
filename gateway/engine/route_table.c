/* SPDX-License-Identifier: Apache-2.0 */
/* Building: keywords -> items with their literal -> sorted by acting order, which gives ranks -> sorted by
 * literal, which gives the indexes. */
#include "engine/route_private.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fold.h"
#include "base/mem.h"
#include "base/re.h"

#define LITERALS_BYTES ((size_t)64 * 1024 * 1024)

/* One keyword while the table is being built. */
struct item {
    const struct rule *rule;
    struct re *re; /* taken by the table */
    struct str literal;
    size_t literal_at;
    uint64_t head; /* first bytes of the literal, big endian: most comparisons need no more */
    uint32_t rule_index, order, rank;
    uint16_t keyword;
    uint8_t kind;
};

struct builder {
    struct route_table *table;
    struct diag *diag;
    struct item *items;
    size_t count;
    struct buf literals; /* one after another */
    bool bad;
};

void route_complainf(struct diag *diag, enum diag_level level, const struct rule *rule, const char *fmt, ...)
{
    struct str file = rule->where, line = {NULL, 0};
    int64_t number = 0;
    char name[512], text[512];
    size_t colon = file.n;
    va_list args;

    while (colon > 0 && file.p[colon - 1] != ':')
        colon--;
    if (colon > 0) {
        line = str_sub(file, colon, SIZE_MAX);
        file.n = colon - 1;
    }
    if (str_to_i64(line, &number) < 0)
        number = 0;
    (void)snprintf(name, sizeof name, "%.*s", STR_ARG(file));
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (level == DIAG_ERROR)
        diag_addf(diag, name, (int)number, "%.*s: %s", STR_ARG(rule->name), text);
    else
        diag_warnf(diag, name, (int)number, "%.*s: %s", STR_ARG(rule->name), text);
}

int route_literal(const struct fold *fold, const struct rule *rule, const struct keyword *keyword,
                  const struct re *re, struct buf *out)
{
    struct str text = keyword->kind == KEYWORD_REGEX ? re_first_literal(re) : keyword->text;

    return rule->fold ? fold_text(fold, text, out) : buf_add_str(out, text);
}

static int compile_regex(struct builder *b, struct item *item, struct str pattern)
{
    struct re_fault fault = {0};
    int r = re_compile(pattern, item->rule->fold, &item->re, &fault);

    if (r == ERR_SYNTAX || r == ERR_TOO_BIG) {
        route_complainf(b->diag, DIAG_ERROR, item->rule, "regex `%.*s`: %s at byte %zu", STR_ARG(pattern),
                        r == ERR_SYNTAX ? fault.text : "too long or too many groups", fault.offset);
        b->bad = true;
        return 0;
    }
    return r;
}

static int add_item(struct builder *b, size_t rule_index, size_t keyword_index)
{
    const struct route_rule *rr = &b->table->rules[rule_index];
    const struct keyword *k = &rr->rule->keywords[keyword_index];
    struct item *item = &b->items[b->count++];
    int r = 0;

    *item = (struct item){.rule = rr->rule,
                          .literal_at = b->literals.len,
                          .kind = (uint8_t)k->kind,
                          .rule_index = (uint32_t)rule_index,
                          .order = rr->order,
                          .keyword = (uint16_t)keyword_index};
    if (k->kind == KEYWORD_REGEX) {
        r = compile_regex(b, item, k->text);
        if (r < 0 || item->re == NULL)
            return r;
    }
    r = route_literal(b->table->fold, rr->rule, k, item->re, &b->literals);
    item->literal.n = b->literals.len - item->literal_at;
    if (r == 0 && item->literal.n == 0 && k->kind != KEYWORD_REGEX) {
        route_complainf(
            b->diag, DIAG_ERROR, rr->rule,
            "keyword `%.*s` is nothing but blanks and punctuation, which folding drops; write `fold: "
            "false` to match it as typed",
            STR_ARG(k->text));
        b->bad = true;
    }
    if (r == 0 && item->literal.n > UINT16_MAX)
        r = ERR_TOO_BIG;
    if (r == 0 && !rr->rule->fold && !str_utf8_valid(k->text))
        r = ERR_SYNTAX;
    return r;
}

static int collect_items(struct builder *b)
{
    size_t total = 0;

    for (size_t i = 0; i < b->table->rule_count; i++) {
        if (b->table->rules[i].rule->keyword_count > UINT16_MAX)
            return ERR_TOO_BIG;
        total += b->table->rules[i].rule->keyword_count;
    }
    b->items = mem_calloc(total + 1, sizeof *b->items);
    if (b->items == NULL || total > UINT32_MAX)
        return -ENOMEM;
    for (size_t i = 0; i < b->table->rule_count; i++) {
        for (size_t k = 0; k < b->table->rules[i].rule->keyword_count; k++) {
            int r = add_item(b, i, k);

            if (r < 0)
                return r;
        }
    }
    for (size_t i = 0; i < b->count; i++)
        b->items[i].literal.p = buf_cstr(&b->literals) + b->items[i].literal_at;
    return b->bad ? ERR_CONFIG : 0;
}

/* For acting order a regex counts as the shortest. */
static size_t acting_bytes(const struct item *item)
{
    return item->kind == KEYWORD_REGEX ? 0 : item->literal.n;
}

static int by_acting_order(const void *pa, const void *pb)
{
    const struct item *a = pa, *b = pb;

    if (a->rule->priority != b->rule->priority)
        return a->rule->priority > b->rule->priority ? -1 : 1;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (acting_bytes(a) != acting_bytes(b))
        return acting_bytes(a) > acting_bytes(b) ? -1 : 1;
    if (a->order != b->order)
        return a->order < b->order ? -1 : 1;
    return (a->keyword > b->keyword) - (a->keyword < b->keyword);
}

static int by_literal(const void *pa, const void *pb)
{
    const struct item *a = *(const struct item *const *)pa, *b = *(const struct item *const *)pb;
    int c = (a->head > b->head) - (a->head < b->head);

    if (c == 0)
        c = str_cmp(a->literal, b->literal);
    return c != 0 ? c : (a->rank > b->rank) - (a->rank < b->rank);
}

static uint64_t head_of(struct str s)
{
    uint64_t head = 0;

    for (size_t i = 0; i < 8; i++)
        head = head << 8 | (i < s.n ? (unsigned char)s.p[i] : 0u);
    return head;
}

static int add_regex(struct route_table *t, struct item *item)
{
    struct route_regex *x = &t->regexes[t->regex_count];

    if (pthread_mutex_init(&x->lock, NULL) != 0)
        return -ENOMEM;
    x->re = item->re;
    x->rank = item->rank;
    atomic_init(&x->quarantined, false);
    item->re = NULL;
    t->regex_count++;
    if (item->literal.n == 0)
        t->ungated[t->ungated_count++] = item->rank;
    return 0;
}

static int rank_items(struct builder *b)
{
    struct route_table *t = b->table;
    size_t regexes = 0;

    qsort(b->items, b->count, sizeof *b->items, by_acting_order);
    for (size_t i = 0; i < b->count; i++)
        regexes += b->items[i].kind == KEYWORD_REGEX;
    t->entries = mem_calloc(b->count + 1, sizeof *t->entries);
    t->regexes = mem_calloc(regexes + 1, sizeof *t->regexes);
    t->ungated = mem_calloc(regexes + 1, sizeof *t->ungated);
    if (t->entries == NULL || t->regexes == NULL || t->ungated == NULL)
        return -ENOMEM;
    t->entry_count = b->count;
    for (size_t i = 0; i < b->count; i++) {
        struct item *item = &b->items[i];
        int r;

        item->rank = (uint32_t)i;
        item->head = head_of(item->literal);
        t->entries[i] = (struct route_entry){item->rule_index, item->keyword, item->kind};
        r = item->kind == KEYWORD_REGEX ? add_regex(t, item) : 0;
        if (r < 0)
            return r;
    }
    return 0;
}

/* `items` are sorted by literal; the same literal in many rules is one literal with many ranks. */
static int fill_index(struct route_index *x, struct item *const *items, size_t n, struct str *texts)
{
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || !str_eq(items[i]->literal, items[i - 1]->literal)) {
            texts[x->literal_count] = items[i]->literal;
            x->bytes[x->literal_count] = (uint16_t)items[i]->literal.n;
            x->first[x->literal_count++] = (uint32_t)i;
        }
        x->ranks[i] = items[i]->rank;
    }
    x->first[x->literal_count] = (uint32_t)n;
    x->rank_count = n;
    return automaton_new(texts, x->literal_count, &x->automaton);
}

static int build_index(struct builder *b, bool fold, struct route_index *x)
{
    struct item **items = mem_calloc(b->count + 1, sizeof(struct item *));
    struct str *texts = mem_calloc(b->count + 1, sizeof *texts);
    size_t n = 0;
    int r = items == NULL || texts == NULL ? -ENOMEM : 0;

    for (size_t i = 0; r == 0 && i < b->count; i++)
        if (b->items[i].rule->fold == fold && b->items[i].literal.n > 0)
            items[n++] = &b->items[i];
    if (n > 0) { /* else no automaton: nothing to look for */
        qsort(items, n, sizeof(struct item *), by_literal);
        x->bytes = mem_calloc(n, sizeof *x->bytes);
        x->first = mem_calloc(n + 1, sizeof *x->first);
        x->ranks = mem_calloc(n, sizeof *x->ranks);
        r = x->bytes == NULL || x->first == NULL || x->ranks == NULL ? -ENOMEM
                                                                     : fill_index(x, items, n, texts);
    }
    mem_free(texts);
    mem_free(items);
    return r;
}

static void index_fini(struct route_index *x)
{
    automaton_free(x->automaton);
    mem_free(x->bytes);
    mem_free(x->first);
    mem_free(x->ranks);
}

static void builder_fini(struct builder *b)
{
    for (size_t i = 0; i < b->count; i++)
        re_free(b->items[i].re);
    mem_free(b->items);
    buf_fini(&b->literals);
}

static int build(struct builder *b, const struct route_rule *rules, size_t n)
{
    int r;

    b->table->rules = mem_calloc(n + 1, sizeof *rules);
    if (b->table->rules == NULL)
        return -ENOMEM;
    if (n > 0)
        memcpy(b->table->rules, rules, n * sizeof *rules);
    b->table->rule_count = n;
    r = collect_items(b);
    if (r == 0)
        r = rank_items(b);
    if (r == 0)
        r = build_index(b, true, &b->table->folded);
    if (r == 0)
        r = build_index(b, false, &b->table->raw);
    return r;
}

int route_table_new(const struct route_rule *rules, size_t n, const struct fold *fold,
                    struct route_table **ret, struct diag *diag)
{
    struct builder b = {.table = mem_calloc(1, sizeof *b.table), .diag = diag};
    int r;

    if (b.table == NULL)
        return -ENOMEM;
    b.table->fold = fold;
    buf_init(&b.literals, LITERALS_BYTES);
    r = build(&b, rules, n);
    builder_fini(&b);
    if (r < 0) {
        route_table_free(b.table);
        return r;
    }
    *ret = b.table;
    return 0;
}

void route_table_free(struct route_table *t)
{
    if (t == NULL)
        return;
    for (size_t i = 0; i < t->regex_count; i++) {
        re_free(t->regexes[i].re);
        (void)pthread_mutex_destroy(&t->regexes[i].lock);
    }
    index_fini(&t->folded);
    index_fini(&t->raw);
    mem_free(t->regexes);
    mem_free(t->ungated);
    mem_free(t->entries);
    mem_free(t->rules);
    mem_free(t);
}

static size_t index_bytes(const struct route_index *x)
{
    if (x->automaton == NULL)
        return 0;
    return automaton_bytes(x->automaton) + x->literal_count * (sizeof *x->bytes + sizeof *x->first) +
           x->rank_count * sizeof *x->ranks;
}

size_t route_table_bytes(const struct route_table *t)
{
    return sizeof *t + t->rule_count * sizeof *t->rules + t->entry_count * sizeof *t->entries +
           t->regex_count * (sizeof *t->regexes + sizeof *t->ungated) + index_bytes(&t->folded) +
           index_bytes(&t->raw);
}
