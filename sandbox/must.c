/* SPDX-License-Identifier: Apache-2.0 */
/* The one place where the sandbox ends for want of memory. */
#include "sandbox/must.h"

#include "base/log.h"
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void *sb_must_have(void *p)
{
    if (p == NULL) {
        log_error("sandbox", "out of memory, stopping");
        abort();
    }
    return p;
}

void sb_must(int r)
{
    if (r != 0)
        (void)sb_must_have(NULL);
}

void *sb_new(size_t bytes)
{
    return sb_must_have(mem_calloc(1, bytes));
}

char *sb_copy(const char *text)
{
    return sb_must_have(mem_strdup(text));
}

char *sb_printf(const char *fmt, ...)
{
    char *text = NULL;
    va_list args;

    va_start(args, fmt);
    if (vasprintf(&text, fmt, args) < 0)
        text = NULL;
    va_end(args);
    return sb_must_have(text);
}

json_t *sb_json(const char *fmt, ...)
{
    json_t *value;
    va_list args;

    va_start(args, fmt);
    value = json_vpack_ex(NULL, 0, fmt, args);
    va_end(args);
    return sb_must_have(value);
}

void sb_json_set(json_t *object, const char *key, json_t *value)
{
    sb_must(json_object_set_new(object, key, value));
}

void sb_json_add(json_t *array, json_t *value)
{
    sb_must(json_array_append_new(array, value));
}
