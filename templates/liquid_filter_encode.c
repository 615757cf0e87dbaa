/* SPDX-License-Identifier: Apache-2.0 */
/* Filters to and from HTML, URLs and base64. What a decoder gives must be text again, or the render stops. */
#include <ctype.h>
#include <string.h>

#include "base/crypto.h"
#include "templates/liquid_filter.h"

static int built_text(struct lq_render *r, const char *filter, struct lq_value *ret)
{
    if (!str_utf8_valid(buf_str(&r->tmp)))
        return lq_fail(r, ERR_RENDER, "%s gives bytes that are no text", filter);
    return lq_built(r, ret);
}

static int buffer_fault(struct lq_render *r, int err)
{
    return lq_fail(r, err, "%s", err == ERR_TOO_BIG ? "a text gets too long" : "out of memory");
}

static int encode_base64(struct lq_render *r, struct lq_value in, bool url, struct lq_value *ret)
{
    struct str s;
    int err = lq_text(r, in, &s);

    if (err < 0)
        return err;
    err = crypto_base64_encode(s, lq_build(r));
    if (err < 0)
        return buffer_fault(r, err);
    for (size_t i = 0; url && i < r->tmp.len; i++)
        if (r->tmp.data[i] == '+' || r->tmp.data[i] == '/')
            r->tmp.data[i] = r->tmp.data[i] == '+' ? '-' : '_';
    return lq_built(r, ret);
}

static int decode_base64(struct lq_render *r, struct lq_value in, bool url, const char *filter,
                         struct lq_value *ret)
{
    struct lq_value copy;
    struct str s;
    int err = lq_text(r, in, &s);

    if (err == 0)
        err = lq_keep(r, s, &copy);
    if (err < 0)
        return err;
    for (char *p = (char *)copy.s.p; url && p < copy.s.p + copy.s.n; p++)
        if (*p == '-' || *p == '_')
            *p = *p == '-' ? '+' : '/';
    err = crypto_base64_decode(copy.s, lq_build(r));
    if (err == ERR_SYNTAX)
        return lq_fail(r, ERR_RENDER, "%s: \"%.*s\" is not base64", filter, STR_ARG(str_cut_bytes(s, 40)));
    return err < 0 ? buffer_fault(r, err) : built_text(r, filter, ret);
}

int lq_filter_base64_encode(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                            struct lq_value *ret)
{
    (void)args, (void)n;
    return encode_base64(r, in, false, ret);
}

int lq_filter_base64_url_safe_encode(struct lq_render *r, struct lq_value in, const struct lq_value *args,
                                     size_t n, struct lq_value *ret)
{
    (void)args, (void)n;
    return encode_base64(r, in, true, ret);
}

int lq_filter_base64_decode(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                            struct lq_value *ret)
{
    (void)args, (void)n;
    return decode_base64(r, in, false, "base64_decode", ret);
}

int lq_filter_base64_url_safe_decode(struct lq_render *r, struct lq_value in, const struct lq_value *args,
                                     size_t n, struct lq_value *ret)
{
    (void)args, (void)n;
    return decode_base64(r, in, true, "base64_url_safe_decode", ret);
}

static struct str entity_of(char c)
{
    switch (c) {
    case '&': return STR("&amp;");
    case '<': return STR("&lt;");
    case '>': return STR("&gt;");
    case '"': return STR("&quot;");
    case '\'': return STR("&#39;");
    default: return (struct str){NULL, 0};
    }
}

/* &name; or &#123; */
static bool is_entity(struct str s)
{
    size_t i = 1;
    bool number = s.n > 1 && s.p[1] == '#';
    size_t start = number ? 2 : 1;

    for (i = start; i < s.n && s.p[i] != ';'; i++)
        if (number ? !isdigit((unsigned char)s.p[i]) : !isalpha((unsigned char)s.p[i]))
            return false;
    return i > start && i < s.n;
}

static int escape_html(struct lq_render *r, struct lq_value in, bool once, struct lq_value *ret)
{
    struct str s;
    int err = lq_text(r, in, &s);

    (void)lq_build(r);
    while (err == 0 && s.n > 0) {
        size_t plain = 0;

        while (plain < s.n && !entity_of(s.p[plain]).p)
            plain++;
        err = lq_put(r, &r->tmp, str_sub(s, 0, plain));
        s = str_sub(s, plain, s.n);
        if (err < 0 || s.n == 0)
            break;
        if (once && s.p[0] == '&' && is_entity(s))
            err = lq_put(r, &r->tmp, STR("&"));
        else
            err = lq_put(r, &r->tmp, entity_of(s.p[0]));
        s = str_sub(s, 1, s.n);
    }
    return err < 0 ? err : lq_built(r, ret);
}

int lq_filter_escape(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                     struct lq_value *ret)
{
    (void)args, (void)n;
    return escape_html(r, in, false, ret);
}

int lq_filter_escape_once(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                          struct lq_value *ret)
{
    (void)args, (void)n;
    return escape_html(r, in, true, ret);
}

/* Length of the block at the start of `s` that opens with `open` and ends after `close`; 0 if there is none.
 */
static size_t block_length(struct str s, struct str open, struct str close)
{
    size_t at;

    if (!str_starts(s, open))
        return 0;
    at = str_find(str_sub(s, open.n, s.n), close);
    return open.n + at < s.n ? open.n + at + close.n : 0;
}

/* A closing tag that was missed once is missing for good: `missed` keeps the whole filter linear. */
static size_t markup_length(struct str s, bool missed[3])
{
    static const struct str open[] = {{"<script", 7}, {"<style", 6}, {"<!--", 4}};
    static const struct str close[] = {{"</script>", 9}, {"</style>", 8}, {"-->", 3}};

    for (size_t i = 0; i < ARRAY_LEN(open); i++) {
        size_t n = missed[i] ? 0 : block_length(s, open[i], close[i]);

        if (n > 0)
            return n;
        missed[i] |= str_starts(s, open[i]);
    }
    return block_length(s, STR("<"), STR(">"));
}

int lq_filter_strip_html(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                         struct lq_value *ret)
{
    bool missed[3] = {false};
    struct str s;
    int err = lq_text(r, in, &s);

    (void)args, (void)n;
    (void)lq_build(r);
    while (err == 0 && s.n > 0) {
        size_t plain = str_chr(s, '<'), markup;

        err = lq_put(r, &r->tmp, str_sub(s, 0, plain));
        s = str_sub(s, plain, s.n);
        markup = markup_length(s, missed);
        if (err == 0 && markup == 0) { /* no ">" follows: the rest is text */
            err = lq_put(r, &r->tmp, s);
            break;
        }
        s = str_sub(s, markup, s.n);
    }
    return err < 0 ? err : lq_built(r, ret);
}

int lq_filter_url_encode(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                         struct lq_value *ret)
{
    struct str s, piece;
    int err = lq_text(r, in, &s);

    (void)args, (void)n;
    (void)lq_build(r);
    while (err == 0 && s.n > 0) {
        bool blank = str_cut(s, ' ', &piece, &s);

        err = str_percent_encode(piece, &r->tmp);
        if (err == 0 && blank)
            err = buf_addc(&r->tmp, '+');
    }
    return err < 0 ? buffer_fault(r, err) : lq_built(r, ret);
}

int lq_filter_url_decode(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                         struct lq_value *ret)
{
    struct str s;
    int err = lq_text(r, in, &s);

    (void)args, (void)n;
    if (err < 0)
        return err;
    err = str_percent_decode(s, true, lq_build(r));
    if (err == ERR_SYNTAX)
        return lq_fail(r, ERR_RENDER, "url_decode: \"%.*s\" has a broken %% sign",
                       STR_ARG(str_cut_bytes(s, 40)));
    return err < 0 ? buffer_fault(r, err) : built_text(r, "url_decode", ret);
}
