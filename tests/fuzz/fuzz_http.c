/* SPDX-License-Identifier: Apache-2.0 */
/* The request parser, fed as a connection feeds it: in pieces, from a buffer that moves, pipelined. The first
 * byte chooses how the rest is cut. Whatever the cuts, the same requests must come out.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "loop/http_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_BODY = 4096 };

struct result {
    size_t requests, bodies, fields;
    int status;
};

static void look(const struct http_parser *p, const char *data, struct result *ret)
{
    struct str path = http_parse_path(p, data), query = http_parse_query(p, data), value;
    struct buf out;

    assert(p->head_bytes <= HTTP_HEAD_BYTES && p->field_count <= HTTP_FIELDS);
    assert(path.n > 0 && (path.p[0] == '/' || path.p[0] == '*'));
    for (size_t i = 0; i < p->field_count; i++)
        assert(p->fields[i].value.at + p->fields[i].value.len <= p->head_bytes);
    value = http_parse_field(p, data, "host");
    assert(!value.p || memchr(data, '\n', p->head_bytes));
    buf_init(&out, 65536);
    (void)str_query_get(query, "a", &out);
    buf_fini(&out);
    ret->requests++;
    ret->fields += p->field_count;
}

static struct result run(const uint8_t *data, size_t size, size_t piece)
{
    static struct http_parser p;
    struct result ret = {0};
    char *in = NULL;
    size_t len = 0;

    http_parse_init(&p);
    while (size > 0 && ret.status == 0) {
        size_t n = size < piece ? size : piece;
        char *moved = malloc(len + n); /* exactly as long, so that a step too far is seen */
        enum http_parse_step step = HTTP_PARSE_HEAD;

        assert(moved);
        if (len > 0)
            memcpy(moved, in, len);
        memcpy(moved + len, data, n);
        free(in);
        in = moved;
        len += n;
        data += n;
        size -= n;
        while (len > 0 && ret.status == 0 && (step = http_parse(&p, in, len)) != HTTP_PARSE_MORE) {
            if (step == HTTP_PARSE_REFUSED) {
                ret.status = p.status;
            } else if (step == HTTP_PARSE_HEAD) {
                look(&p, in, &ret);
                if (p.body_bytes > MAX_BODY)
                    ret.status = 413;
            } else {
                struct str body = http_parse_body(&p, in);
                size_t used = p.head_bytes + p.body_bytes;

                ret.bodies += body.n;
                memmove(in, in + used, len - used);
                len -= used;
                http_parse_next(&p);
            }
        }
    }
    free(in);
    return ret;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct result whole, cut;

    if (size == 0)
        return 0;
    whole = run(data + 1, size - 1, size);
    cut = run(data + 1, size - 1, 1 + data[0] % 64);
    assert(whole.requests == cut.requests && whole.bodies == cut.bodies && whole.fields == cut.fields);
    assert(whole.status == cut.status);
    return 0;
}
