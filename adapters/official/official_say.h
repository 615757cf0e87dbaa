/* SPDX-License-Identifier: Apache-2.0 */
/* official_say.h - content as the platform's message kinds: pure.
 *
 * One message is one of: a text, with the links in it as lines of their own; one article (a link without
 * text); one image; one mini-program card. A passive reply has no card, a mass message neither card nor
 * article: there a link is a text.
 *
 * Units    bytes of UTF-8.
 * Errors   ERR_INVALID, ERR_TOO_BIG: no message of this channel, `fault` says why; -ENOMEM.
 * Memory   the views of a message borrow the content; its text is its own until fini.
 * Threads  one at a time.
 */
#ifndef SIYU_ADAPTERS_OFFICIAL_SAY_H
#define SIYU_ADAPTERS_OFFICIAL_SAY_H

#include "adapter.h"
#include "base/buf.h"

enum { OFFICIAL_TEXT_BYTES = 2048, OFFICIAL_FAULT_BYTES = 160 };

enum official_form { OFFICIAL_TEXT, OFFICIAL_NEWS, OFFICIAL_IMAGE, OFFICIAL_CARD };
enum {
    OFFICIAL_IN_CUSTOM = 1 << OFFICIAL_TEXT | 1 << OFFICIAL_NEWS | 1 << OFFICIAL_IMAGE | 1 << OFFICIAL_CARD,
    OFFICIAL_IN_REPLY = 1 << OFFICIAL_TEXT | 1 << OFFICIAL_NEWS | 1 << OFFICIAL_IMAGE,
    OFFICIAL_IN_MASS = 1 << OFFICIAL_TEXT | 1 << OFFICIAL_IMAGE,
};

struct official_saying {
    enum official_form form;
    struct buf text;
    struct str title, desc, url, picurl; /* article, card */
    struct str media_id, appid, page;    /* image, card */
};

/* `forms`: which ones the place can hold. fini after any result. */
int official_saying_read(struct official_saying *s, const struct content *content, unsigned forms,
                         char fault[OFFICIAL_FAULT_BYTES]);
void official_saying_fini(struct official_saying *s);

/* Append `"msgtype":"text","text":{...}` and the like. */
int official_saying_custom(const struct official_saying *s, struct buf *out);
int official_saying_mass(const struct official_saying *s, struct buf *out);

/* Append `"name":"value"`. */
int official_add_string(struct buf *out, const char *name, struct str value);

#endif
