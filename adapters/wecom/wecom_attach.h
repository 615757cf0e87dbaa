/* SPDX-License-Identifier: Apache-2.0 */
/* wecom_attach.h - attachments of messages: from the playbook's form to WeCom's.
 *
 *     [{link: {title, url, desc?, picurl?}}, {image: {media_id | pic_url}}, {video: {media_id}},
 *      {file: {media_id}}, {miniprogram: {title, pic_media_id, appid, page}}]
 *
 * Errors   ERR_INVALID, ERR_TOO_BIG with the reason in the ask; -ENOMEM in the buf.
 * Memory   borrows its arguments.
 * Threads  one at a time.
 */
#ifndef SIYU_ADAPTERS_WECOM_ATTACH_H
#define SIYU_ADAPTERS_WECOM_ATTACH_H

#include "adapters/wecom/wecom_wire.h"

enum { WECOM_ATTACH_MAX = 9 };

/* Appends ,"attachments":[...] for welcome messages and broadcast tasks; nothing for NULL or an empty list.
 */
int wecom_attach_add(struct wecom_ask *a, const json_t *attach, struct buf *out);

/* For channels whose message is one text: appends each link as lines of title and address. Refuses what is
 * not a link. */
int wecom_attach_as_text(struct wecom_ask *a, const json_t *attach, struct buf *out);

#endif
