/* SPDX-License-Identifier: Apache-2.0 */
/* Message push to internal groups, temporary media, and the shape of contents. */
#include "sandbox/wecom.h"

#include "base/json.h"
#include "base/mem.h"
#include "sandbox/must.h"

#include <inttypes.h>
#include <string.h>

/* contents */

static bool has_media(const struct sb_corp *corp, const char *id, int64_t now_ms)
{
    const struct sb_media *media = map_str_get(&corp->media, str_of(id));

    return media != NULL && now_ms < media->expires_ms;
}

static int judge_attachment(const struct sb_corp *corp, const json_t *a, int64_t now_ms)
{
    const char *type = json_str(a, "msgtype", "");
    const json_t *body = json_object_get(a, type);

    if (strcmp(type, "link") == 0)
        return json_str(body, "title", "")[0] != '\0' && json_str(body, "url", "")[0] != '\0'
                   ? 0
                   : SB_W_BAD_ARGUMENT;
    if (strcmp(type, "miniprogram") == 0)
        return has_media(corp, json_str(body, "pic_media_id", ""), now_ms) ? 0 : SB_W_BAD_MEDIA;
    if (strcmp(type, "image") == 0 && json_str(body, "media_id", "")[0] == '\0')
        return json_str(body, "pic_url", "")[0] != '\0' ? 0 : SB_W_BAD_MEDIA;
    if (strcmp(type, "image") == 0 || strcmp(type, "video") == 0 || strcmp(type, "file") == 0)
        return has_media(corp, json_str(body, "media_id", ""), now_ms) ? 0 : SB_W_BAD_MEDIA;
    return SB_W_BAD_ATTACHMENT;
}

int sb_content_judge(const struct sb_model *m, const struct sb_corp *corp, const json_t *body,
                     int64_t most_text, int64_t now_ms)
{
    const char *text = json_str(json_object_get(body, "text"), "content", "");
    const json_t *attachments = json_object_get(body, "attachments");
    size_t i;
    json_t *a;

    if (text[0] == '\0' && json_array_size(attachments) == 0)
        return SB_W_EMPTY;
    if ((int64_t)strlen(text) > most_text)
        return SB_W_LONG;
    if ((int64_t)json_array_size(attachments) > sb_model_limit(m, SB_WECOM_ATTACHMENTS)->amount)
        return SB_W_MANY_ATTACHMENTS;
    json_array_foreach(attachments, i, a)
    {
        int code = judge_attachment(corp, a, now_ms);

        if (code != 0)
            return code;
    }
    return 0;
}

/* webhook */

static int judge_text(const json_t *message, int64_t most)
{
    const char *text = json_str(message, "content", "");

    if (text[0] == '\0')
        return SB_W_EMPTY;
    return (int64_t)strlen(text) > most ? SB_W_LONG : 0;
}

static int judge_webhook(const struct sb_model *m, const json_t *body)
{
    static const char *const others[] = {"image", "file", "voice", "template_card"};
    const char *type = json_str(body, "msgtype", "");
    const json_t *message = json_object_get(body, type);
    size_t articles;

    if (!json_is_object(message))
        return type[0] == '\0' ? SB_W_BAD_ARGUMENT : SB_W_BAD_TYPE;
    if (strcmp(type, "text") == 0)
        return judge_text(message, sb_model_limit(m, SB_WECOM_WEBHOOK_TEXT)->amount);
    if (strcmp(type, "markdown") == 0 || strcmp(type, "markdown_v2") == 0)
        return judge_text(message, sb_model_limit(m, SB_WECOM_WEBHOOK_MARKDOWN)->amount);
    if (strcmp(type, "news") == 0) {
        articles = json_array_size(json_object_get(message, "articles"));
        return articles >= 1 && (int64_t)articles <= sb_model_limit(m, SB_WECOM_WEBHOOK_NEWS)->amount
                   ? 0
                   : SB_W_BAD_ARGUMENT;
    }
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        if (strcmp(type, others[i]) == 0)
            return 0;
    return SB_W_BAD_TYPE;
}

void sb_webhook_send(struct sb_model *m, struct sb_call *c)
{
    int code;

    if (c->connection == NULL) {
        sb_refuse(c, SB_W_BAD_WEBHOOK);
        return;
    }
    c->to = sb_json("[s]", c->connection->name);
    c->cost = 1;
    code = c->post && json_is_object(c->body) ? judge_webhook(m, c->body) : SB_W_BAD_ARGUMENT;
    if (code == 0 &&
        !sb_slide_take(&c->connection->webhook, sb_model_limit(m, SB_WECOM_WEBHOOK_MINUTE), c->now_ms))
        code = SB_W_FREQUENCY;
    if (code != 0)
        sb_refuse(c, code);
    else
        sb_accept(c, NULL);
}

/* media: a multipart body with one field "media" that carries a file name */

static bool has_file(struct str body)
{
    size_t at = str_find(body, STR("name=\"media\""));
    struct str part = str_sub(body, at, body.n - at);
    size_t blank = str_find(part, STR("\r\n\r\n"));
    struct str head = str_sub(part, 0, blank);
    struct str content = str_sub(part, blank + 4, part.n);

    return at < body.n && blank < part.n && str_find(head, STR("filename=")) < head.n && content.n > 5;
}

void sb_media_upload(struct sb_model *m, struct sb_corp *corp, struct sb_call *c)
{
    static const char *const types[] = {"image", "voice", "video", "file"};
    const char *type = json_str(c->query, "type", "");
    struct sb_media *media;
    bool known = false;

    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        known = known || strcmp(type, types[i]) == 0;
    if (!known || !has_file(c->raw)) {
        sb_refuse(c, known ? SB_W_BAD_MEDIA : SB_W_BAD_ARGUMENT);
        return;
    }
    media = sb_new(sizeof(*media));
    media->id = sb_printf("3SB%" PRId64 "_%016" PRIx64, sb_model_next(m), sb_model_random(m));
    media->expires_ms = c->now_ms + sb_model_limit(m, SB_WECOM_MEDIA)->window_ms;
    sb_must(map_str_put(&corp->media, str_of(media->id), media));
    sb_accept(c, sb_json("{s:s, s:s, s:I}", "type", type, "media_id", media->id, "created_at",
                         (json_int_t)(c->now_ms / SB_SECOND)));
}
