/* SPDX-License-Identifier: Apache-2.0 */
#include "adapters/wecom/wecom_pages.h"

#include <errno.h>

#include "base/json.h"

enum { ROWS_A_PAGE = 1000 };

int wecom_pages_init(struct wecom_pages *p, struct wecom_ask *a, const json_t *params)
{
    wecom_pages_restart(p);
    p->cursor = wecom_ask_keep(a, str_of(json_str(params, "cursor", "")));
    return p->cursor.p ? 0 : -ENOMEM;
}

void wecom_pages_restart(struct wecom_pages *p)
{
    *p = (struct wecom_pages){.cursor = STR("")};
}

int wecom_pages_next(struct wecom_pages *p, struct wecom_ask *a, const json_t *answer)
{
    struct str cursor = str_of(json_str(answer, "next_cursor", ""));

    p->read++;
    if (cursor.n == 0)
        return 0;
    p->cursor = wecom_ask_keep(a, cursor);
    if (!p->cursor.p)
        return -ENOMEM;
    p->cut = p->read >= WECOM_PAGES_MAX;
    return !p->cut;
}

int wecom_pages_add_rest(const struct wecom_pages *p, struct wecom_ask *a)
{
    if (!p->cut)
        return 0;
    return json_object_set_new(a->data, "next_cursor", json_stringn(p->cursor.p, p->cursor.n)) < 0 ? -ENOMEM
                                                                                                   : 0;
}

int wecom_pages_ask_task(const struct wecom_pages *p, struct wecom_ask *a, struct str msgid,
                         struct str userid)
{
    struct buf *out = &a->request.body;

    (void)wecom_ask_start(a, "POST",
                          userid.n ? "/cgi-bin/externalcontact/get_groupmsg_send_result"
                                   : "/cgi-bin/externalcontact/get_groupmsg_task",
                          false);
    (void)buf_adds(out, "{");
    (void)wecom_add_string(out, "msgid", msgid);
    if (userid.n)
        (void)wecom_add_string(out, "userid", userid);
    (void)wecom_add_int(out, "limit", ROWS_A_PAGE);
    if (p->cursor.n)
        (void)wecom_add_string(out, "cursor", p->cursor);
    return buf_adds(out, "}");
}
