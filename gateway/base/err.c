/* SPDX-License-Identifier: Apache-2.0 */
/* A complaint is one allocation: "file:line: what", NUL, "file", NUL. `what` points into the text. */
#include "base/err.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

const char *err_text(int err)
{
    const char *text;

#define ERR_CASE(name, code, what)                                                                           \
    case code: return what;
    switch (err) {
    case 0: return "ok"; ERR_MAP(ERR_CASE)
    default: break;
    }
#undef ERR_CASE
    text = err < 0 && err > -4096 ? strerrordesc_np(-err) : NULL;
    return text ? text : "unknown error";
}

const char *err_name(int err)
{
    const char *name;

#define ERR_CASE(label, code, what)                                                                          \
    case code: return #label;
    switch (err) {
    case 0: return "OK"; ERR_MAP(ERR_CASE)
    default: break;
    }
#undef ERR_CASE
    name = err < 0 && err > -4096 ? strerrorname_np(-err) : NULL;
    return name ? name : "E?";
}

void diag_init(struct diag *d, size_t max)
{
    *d = (struct diag){.max = max};
}

void diag_fini(struct diag *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < d->count; i++)
        mem_free(d->items[i].memory);
    mem_free(d->items);
    diag_init(d, d->max);
}

static int diag_grow(struct diag *d)
{
    size_t cap = d->cap ? d->cap * 2 : 8;
    struct diag_item *items;

    if (d->count < d->cap)
        return 0;
    items = mem_resize(d->items, cap, sizeof(*items));
    if (!items)
        return -ENOMEM;
    d->items = items;
    d->cap = cap;
    return 0;
}

static int diag_write(struct diag_item *item, const char *file, int line, const char *fmt, va_list args)
    __attribute__((format(printf, 4, 0)));

static int diag_write(struct diag_item *item, const char *file, int line, const char *fmt, va_list args)
{
    const char *warning = item->level == DIAG_WARNING ? "warning: " : "";
    char where[48];
    size_t file_len = strlen(file), where_len, what_len;
    va_list again;
    char *p;
    int n;

    va_copy(again, args);
    n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (n < 0)
        return -EINVAL;
    if (line > 0)
        (void)snprintf(where, sizeof(where), "%s%d: %s", file_len ? ":" : "line ", line, warning);
    else
        (void)snprintf(where, sizeof(where), "%s%s", file_len ? ": " : "", warning);
    where_len = strlen(where);
    what_len = (size_t)n;
    p = mem_alloc(file_len + where_len + what_len + 1 + file_len + 1);
    if (!p)
        return -ENOMEM;
    memcpy(p, file, file_len);
    memcpy(p + file_len, where, where_len);
    (void)vsnprintf(p + file_len + where_len, what_len + 1, fmt, args);
    item->text = item->memory = p;
    item->what = p + file_len + where_len;
    item->file = memcpy(p + file_len + where_len + what_len + 1, file, file_len + 1);
    item->line = line;
    return 0;
}

void diag_addv(struct diag *d, enum diag_level level, const char *file, int line, const char *fmt,
               va_list args)
{
    struct diag_item item = {.level = level};

    if (!d)
        return;
    if (level == DIAG_ERROR)
        d->errors++;
    if (d->count >= d->max || diag_grow(d) < 0 || diag_write(&item, file ? file : "", line, fmt, args) < 0)
        d->dropped++;
    else
        d->items[d->count++] = item;
}

void diag_addf(struct diag *d, const char *file, int line, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    diag_addv(d, DIAG_ERROR, file, line, fmt, args);
    va_end(args);
}

void diag_warnf(struct diag *d, const char *file, int line, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    diag_addv(d, DIAG_WARNING, file, line, fmt, args);
    va_end(args);
}

size_t diag_count(const struct diag *d)
{
    return d->count;
}

size_t diag_errors(const struct diag *d)
{
    return d->errors;
}

const struct diag_item *diag_at(const struct diag *d, size_t i)
{
    return i < d->count ? &d->items[i] : NULL;
}

const char *diag_text(const struct diag *d, size_t i)
{
    return i < d->count ? d->items[i].text : NULL;
}
