/* SPDX-License-Identifier: Apache-2.0 */
/* err.h - error codes and the list of complaints that a check hands back.
 *
 * A function returns 0 or a negative int. errno and libuv codes (which are negative errno) pass through
 * unchanged; ours lie below -20000, so one int carries all. Out of memory is -ENOMEM everywhere.
 *
 * struct diag collects complaints in the one style of the product: "file:line: what, why, how to mend".
 * It is bounded; what no longer fits is counted. It never fails: a complaint that found no memory still
 * counts, so a check that complained can not end as clean.
 *
 * Memory   diag copies its texts. They live until diag_fini().
 * Threads  err_text, err_name: any. A diag belongs to one thread at a time.
 */
#ifndef SIYU_BASE_ERR_H
#define SIYU_BASE_ERR_H

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>

#define ERR_MAP(X)                                                                                           \
    X(ERR_SYNTAX, -20001, "malformed input")                                                                 \
    X(ERR_INVALID, -20002, "invalid value")                                                                  \
    X(ERR_NOT_FOUND, -20003, "not found")                                                                    \
    X(ERR_EXISTS, -20004, "already exists")                                                                  \
    X(ERR_TOO_BIG, -20005, "too big")                                                                        \
    X(ERR_TOO_DEEP, -20006, "nested too deeply")                                                             \
    X(ERR_QUOTA, -20007, "refused by a limit")                                                               \
    X(ERR_NOT_LOADED, -20008, "not loaded for this batch")                                                   \
    X(ERR_SIGNATURE, -20009, "signature does not match")                                                     \
    X(ERR_CRYPTO, -20010, "cannot be decrypted")                                                             \
    X(ERR_CONFIG, -20011, "configuration error")                                                             \
    X(ERR_IO, -20012, "input or output failed")                                                              \
    X(ERR_CORRUPT, -20013, "stored data is damaged")                                                         \
    X(ERR_BUSY, -20014, "busy")                                                                              \
    X(ERR_CLOSED, -20015, "closed")                                                                          \
    X(ERR_CANCELED, -20016, "cancelled")                                                                     \
    X(ERR_TIMEOUT, -20017, "deadline or budget used up")                                                     \
    X(ERR_UNSUPPORTED, -20018, "not available in this version")                                              \
    X(ERR_AUTH, -20019, "not authorised")                                                                    \
    X(ERR_STATE, -20020, "not possible in this state")                                                       \
    X(ERR_LOCKED, -20021, "in use by another process")                                                       \
    X(ERR_FULL, -20022, "full")                                                                              \
    X(ERR_RENDER, -20023, "template cannot be rendered")                                                     \
    X(ERR_STALE, -20024, "too old")

#define ERR_ENUM(name, code, text) name = (code),
enum err { ERR_MAP(ERR_ENUM) };
#undef ERR_ENUM

/* One short text; ours, or strerror's for errno. Never NULL. 0 is "ok". */
const char *err_text(int err);

/* "ERR_SYNTAX", "ENOMEM", "OK"; "E?" when unknown. For logs and --json. */
const char *err_name(int err);

enum diag_level { DIAG_ERROR, DIAG_WARNING };

struct diag_item {
    enum diag_level level;
    int line;         /* 0: none */
    const char *file; /* "": none */
    const char *what; /* without file and line */
    const char *text; /* "file:line: what", "file:line: warning: what" */
    void *memory;
};

struct diag {
    struct diag_item *items;
    size_t count, cap, max, dropped, errors;
};

/* Keeps up to `max` complaints; the rest only counts in `dropped`. */
void diag_init(struct diag *d, size_t max);
void diag_fini(struct diag *d);

/* `file` may be NULL, `line` 0. `d` NULL is a no-op. */
void diag_addf(struct diag *d, const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void diag_warnf(struct diag *d, const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void diag_addv(struct diag *d, enum diag_level level, const char *file, int line, const char *fmt,
               va_list args) __attribute__((format(printf, 5, 0)));

size_t diag_count(const struct diag *d);  /* kept items, both levels */
size_t diag_errors(const struct diag *d); /* all DIAG_ERROR ever added, kept or dropped */
const struct diag_item *diag_at(const struct diag *d, size_t i);
const char *diag_text(const struct diag *d, size_t i);

#endif
