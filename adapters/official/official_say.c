/* SPDX-License-Identifier: Apache-2.0 */
#include "adapters/official/official_say.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

enum { TEXT_MAX = 64 * 1024 };

static int refuse(char fault[OFFICIAL_FAULT_BYTES], int err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int refuse(char fault[OFFICIAL_FAULT_BYTES], int err, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(fault, OFFICIAL_FAULT_BYTES, fmt, args);
    va_end(args);
    return err;
}

/* The fields of one attachment: NULL when it is no mapping of one kind to its fields. */
static const json_t *open_attachment(const json_t *item, const char **ret_kind)
{
    void *at = json_object_iter((json_t *)(uintptr_t)item);
    const json_t *fields = at ? json_object_iter_value(at) : NULL;

    if (json_object_size(item) != 1 || !json_is_object(fields))
        return NULL;
    *ret_kind = json_object_iter_key(at);
    return fields;
}

static struct str field(const json_t *fields, const char *name)
{
    return str_of(json_str(fields, name, ""));
}

static int add_link(struct official_saying *s, const json_t *fields, size_t count, unsigned forms,
                    char fault[OFFICIAL_FAULT_BYTES])
{
    s->title = field(fields, "title");
    s->url = field(fields, "url");
    s->desc = field(fields, "desc");
    s->picurl = field(fields, "picurl");
    if (s->title.n == 0 || s->url.n == 0)
        return refuse(fault, ERR_INVALID, "a link needs title and url");
    if (s->text.len == 0 && count == 1 && forms & 1 << OFFICIAL_NEWS) {
        s->form = OFFICIAL_NEWS;
        return 0;
    }
    return buf_addf(&s->text, "%s%.*s\n%.*s", s->text.len ? "\n" : "", STR_ARG(s->title), STR_ARG(s->url));
}

static int set_image(struct official_saying *s, const json_t *fields, char fault[OFFICIAL_FAULT_BYTES])
{
    s->form = OFFICIAL_IMAGE;
    s->media_id = field(fields, "media_id");
    return s->media_id.n ? 0 : refuse(fault, ERR_INVALID, "an image needs media_id here");
}

static int set_card(struct official_saying *s, const json_t *fields, char fault[OFFICIAL_FAULT_BYTES])
{
    s->form = OFFICIAL_CARD;
    s->title = field(fields, "title");
    s->appid = field(fields, "appid");
    s->page = field(fields, "page");
    s->media_id = field(fields, "pic_media_id");
    if (s->title.n && s->appid.n && s->page.n && s->media_id.n)
        return 0;
    return refuse(fault, ERR_INVALID, "miniprogram needs title, appid, page and pic_media_id");
}

static int add_attachment(struct official_saying *s, const json_t *item, size_t count, unsigned forms,
                          char fault[OFFICIAL_FAULT_BYTES])
{
    const char *kind = NULL;
    const json_t *fields = open_attachment(item, &kind);
    bool image = fields && strcmp(kind, "image") == 0, card = fields && strcmp(kind, "miniprogram") == 0;

    if (!fields)
        return refuse(fault, ERR_INVALID, "an attachment must be a mapping of one kind, as in {link: {...}}");
    if (strcmp(kind, "link") == 0)
        return add_link(s, fields, count, forms, fault);
    if (!image && !card)
        return refuse(fault, ERR_INVALID, "an official account sends no %s; give it its own variant", kind);
    if (card && !(forms & 1 << OFFICIAL_CARD))
        return refuse(fault, ERR_INVALID, "no miniprogram in a passive reply or a mass message");
    if (s->text.len || count > 1)
        return refuse(fault, ERR_INVALID,
                      "one message holds either a text or one %s; give this channel its own variant", kind);
    return image ? set_image(s, fields, fault) : set_card(s, fields, fault);
}

int official_saying_read(struct official_saying *s, const struct content *content, unsigned forms,
                         char fault[OFFICIAL_FAULT_BYTES])
{
    const json_t *attach = content ? content->attach : NULL;
    size_t count = json_array_size(attach);
    int r;

    *s = (struct official_saying){.form = OFFICIAL_TEXT};
    buf_init(&s->text, TEXT_MAX);
    r = content ? buf_add_str(&s->text, content->text) : 0;
    for (size_t i = 0; r == 0 && i < count; i++)
        r = add_attachment(s, json_array_get(attach, i), count, forms, fault);
    if (r == ERR_TOO_BIG && !*fault)
        return refuse(fault, r, "the text has more than %d bytes", TEXT_MAX);
    if (r < 0 || s->form != OFFICIAL_TEXT)
        return r;
    return s->text.len ? 0 : refuse(fault, ERR_INVALID, "the message is empty");
}

void official_saying_fini(struct official_saying *s)
{
    buf_fini(&s->text);
}

int official_add_string(struct buf *out, const char *name, struct str value)
{
    (void)buf_addf(out, "\"%s\":", name);
    return json_write_string(value, out);
}

static void add_more(struct buf *out, const char *name, struct str value)
{
    (void)buf_addc(out, ',');
    (void)official_add_string(out, name, value);
}

int official_saying_custom(const struct official_saying *s, struct buf *out)
{
    switch (s->form) {
    case OFFICIAL_TEXT:
        (void)buf_adds(out, "\"msgtype\":\"text\",\"text\":{");
        (void)official_add_string(out, "content", buf_str(&s->text));
        break;
    case OFFICIAL_NEWS:
        (void)buf_adds(out, "\"msgtype\":\"news\",\"news\":{\"articles\":[{");
        (void)official_add_string(out, "title", s->title);
        add_more(out, "description", s->desc);
        add_more(out, "url", s->url);
        add_more(out, "picurl", s->picurl);
        (void)buf_adds(out, "}]");
        break;
    case OFFICIAL_IMAGE:
        (void)buf_adds(out, "\"msgtype\":\"image\",\"image\":{");
        (void)official_add_string(out, "media_id", s->media_id);
        break;
    case OFFICIAL_CARD:
        (void)buf_adds(out, "\"msgtype\":\"miniprogrampage\",\"miniprogrampage\":{");
        (void)official_add_string(out, "title", s->title);
        add_more(out, "appid", s->appid);
        add_more(out, "pagepath", s->page);
        add_more(out, "thumb_media_id", s->media_id);
        break;
    }
    return buf_addc(out, '}');
}

int official_saying_mass(const struct official_saying *s, struct buf *out)
{
    if (s->form == OFFICIAL_TEXT)
        return official_saying_custom(s, out);
    (void)buf_adds(out, "\"msgtype\":\"image\",\"images\":{\"media_ids\":[");
    (void)json_write_string(s->media_id, out);
    return buf_adds(out, "]}");
}
