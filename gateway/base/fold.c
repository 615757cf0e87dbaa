/* SPDX-License-Identifier: Apache-2.0 */
/* Most messages hold only ASCII, ideographs and full width forms: those fold by table, character by
 * character. Anything else sends the whole text through utf8proc, because composition looks at neighbours.
 */
#include "base/fold.h"

#include "base/err.h"
#include "base/mem.h"

#include <opencc/opencc.h>
#include <string.h>
#include <utf8proc.h>

enum { CJK_FIRST = 0x3400, CJK_LAST = 0x9FFF, CJK_COUNT = CJK_LAST - CJK_FIRST + 1 };
enum { REPLACEMENT = 0xFFFD };

struct fold {
    int32_t simplified[CJK_COUNT];
};

/* One line for each ideograph. Alone on its line no phrase can form. */
static int write_ideographs(struct buf *out)
{
    for (uint32_t cp = CJK_FIRST; cp <= CJK_LAST; cp++) {
        char utf8[4];

        (void)buf_add(out, utf8, utf8_put(cp, utf8));
        (void)buf_addc(out, '\n');
    }
    return buf_error(out);
}

static int read_simplified(struct str converted, struct fold *f)
{
    struct str line;

    for (size_t i = 0; i < CJK_COUNT; i++) {
        int32_t cp;

        if (!str_next(&converted, '\n', &line) || line.n == 0)
            return ERR_CORRUPT;
        cp = utf8_next(&line);
        if (cp < 0 || line.n)
            return ERR_CORRUPT;
        f->simplified[i] = cp;
    }
    return 0;
}

/* A few simplify to what itself simplifies (U+85B4); folding twice must change nothing. */
static void follow_chains(struct fold *f)
{
    for (size_t i = 0; i < CJK_COUNT; i++) {
        int32_t cp = f->simplified[i];

        for (int hops = 0; hops < 4 && cp >= CJK_FIRST && cp <= CJK_LAST; hops++)
            cp = f->simplified[cp - CJK_FIRST];
        f->simplified[i] = cp;
    }
}

static int load_table(opencc_t cc, struct fold *f)
{
    struct buf all;
    char *converted;
    int r;

    buf_init(&all, CJK_COUNT * 5);
    r = write_ideographs(&all);
    if (r == 0) {
        converted = opencc_convert_utf8(cc, all.data, all.len);
        r = converted ? read_simplified(str_of(converted), f) : ERR_CORRUPT;
        if (converted)
            opencc_convert_utf8_free(converted);
    }
    buf_fini(&all);
    if (r == 0)
        follow_chains(f);
    return r;
}

int fold_open(const char *opencc_config, struct fold **ret)
{
    struct fold *f = mem_calloc(1, sizeof(*f));
    opencc_t cc;
    int r;

    if (!f)
        return -ENOMEM;
    cc = opencc_open(opencc_config ? opencc_config : OPENCC_DEFAULT_CONFIG_TRAD_TO_SIMP);
    r = cc == (opencc_t)-1 ? ERR_NOT_FOUND : load_table(cc, f);
    if (cc != (opencc_t)-1)
        (void)opencc_close(cc);
    if (r < 0) {
        fold_close(f);
        return r;
    }
    *ret = f;
    return 0;
}

void fold_close(struct fold *f)
{
    mem_free(f);
}

static bool is_ascii_kept(int32_t cp)
{
    return (cp >= '0' && cp <= '9') || (cp >= 'a' && cp <= 'z') || cp == '$' || cp == '+' || cp == '<' ||
           cp == '=' || cp == '>' || cp == '^' || cp == '`' || cp == '|' || cp == '~';
}

static bool is_dropped(int32_t cp)
{
    if (cp < 0x80)
        return !is_ascii_kept(cp);
    switch (utf8proc_category(cp)) {
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO:
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF: return true;
    default: return false;
    }
}

static bool is_ideograph(int32_t cp)
{
    return cp >= CJK_FIRST && cp <= CJK_LAST;
}

static void emit(const struct fold *f, int32_t cp, struct buf *out)
{
    char utf8[4];

    if (is_ideograph(cp))
        cp = f->simplified[cp - CJK_FIRST];
    else if (is_dropped(cp))
        return;
    (void)buf_add(out, utf8, utf8_put((uint32_t)cp, utf8));
}

/* What NFKC and case folding make of characters that never join a neighbour; -1: ask utf8proc. */
static int32_t fold_alone(int32_t cp)
{
    if (cp >= 0xFF01 && cp <= 0xFF5E)
        cp -= 0xFF01 - 0x21;
    if (cp >= 'A' && cp <= 'Z')
        return cp + ('a' - 'A');
    if ((cp >= 0 && cp < 0x80) || is_ideograph(cp))
        return cp;
    return cp >= 0x3000 && cp <= 0x3003 ? ' ' : -1;
}

static bool fold_by_table(const struct fold *f, struct str in, struct buf *out)
{
    while (in.n) {
        int32_t cp = fold_alone(utf8_next(&in));

        if (cp < 0)
            return false;
        emit(f, cp, out);
    }
    return true;
}

static int clean(struct str in, struct buf *out)
{
    while (in.n) {
        int32_t cp = utf8_next(&in);
        char utf8[4];

        (void)buf_add(out, utf8, utf8_put(cp < 0 ? REPLACEMENT : (uint32_t)cp, utf8));
    }
    return buf_error(out);
}

static int fold_decomposed(const struct fold *f, struct str valid, struct buf *out)
{
    const utf8proc_option_t options =
        UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE;
    const uint8_t *p = (const uint8_t *)valid.p;
    utf8proc_ssize_t n = utf8proc_decompose(p, (utf8proc_ssize_t)valid.n, NULL, 0, options);
    utf8proc_int32_t *cps;

    if (n < 0)
        return n == UTF8PROC_ERROR_NOMEM ? -ENOMEM : ERR_TOO_BIG;
    cps = mem_resize(NULL, (size_t)n + 1, sizeof(*cps));
    if (!cps)
        return -ENOMEM;
    n = utf8proc_decompose(p, (utf8proc_ssize_t)valid.n, cps, n, options);
    if (n > 0)
        n = utf8proc_normalize_utf32(cps, n, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    for (utf8proc_ssize_t i = 0; i < n; i++)
        emit(f, cps[i], out);
    mem_free(cps);
    return buf_error(out);
}

int fold_text(const struct fold *f, struct str in, struct buf *out)
{
    size_t start = out->len;
    struct buf valid;
    int r;

    if (buf_error(out) || fold_by_table(f, in, out))
        return buf_error(out);
    if (buf_error(out))
        return buf_error(out);
    buf_truncate(out, start);
    if (in.n > SIZE_MAX / 4)
        return ERR_TOO_BIG;
    buf_init(&valid, in.n * 3);
    r = clean(in, &valid);
    if (r == 0)
        r = fold_decomposed(f, buf_str(&valid), out);
    buf_fini(&valid);
    return r;
}
