/* SPDX-License-Identifier: Apache-2.0 */
/* xml.h - flat, bounded XML of platform callbacks, and helpers to write replies.
 *
 * Refused as soon as it is seen: any DOCTYPE or processing instruction (so no entities but the five), depth
 * over 8, text over 256 KiB, over 64 attributes or 4096 elements in all. Attributes, comments and text
 * between child elements are ignored. The bytes are UTF-8 whatever the XML declaration says.
 *
 * A path names elements below the root element: "ChangeType", "BatchJob/JobId". Each step takes the first
 * element of that name; repeated ones are walked with xml_first and xml_next, in document order.
 *
 * Errors   ERR_SYNTAX, ERR_INVALID (DOCTYPE, PI, attributes), ERR_TOO_DEEP, ERR_TOO_BIG, -ENOMEM;
 *          xml_fault() has the text with line. After an error the document is empty.
 * Memory   one xml_doc is reused for many texts; views point into it until the next parse.
 * Threads  one at a time.
 */
#ifndef SIYU_BASE_XML_H
#define SIYU_BASE_XML_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XML_MAX_BYTES (256 * 1024)
#define XML_MAX_DEPTH 8

struct xml_doc;
/* An element is named by its number in document order. */
#define XML_ROOT 0
#define XML_NONE (-1)

int xml_new(struct xml_doc **ret);
void xml_free(struct xml_doc *x);

int xml_parse(struct xml_doc *x, struct str text);
const char *xml_fault(const struct xml_doc *x);

/* Text of the element at `path`, raw; {NULL, 0} when absent, {"", 0} when empty. */
struct str xml_get(const struct xml_doc *x, const char *path);
/* Strict; the text is trimmed first. ERR_NOT_FOUND, ERR_SYNTAX, ERR_TOO_BIG. */
int xml_get_i64(const struct xml_doc *x, const char *path, int64_t *ret);
size_t xml_count(const struct xml_doc *x, const char *path);

int xml_first(const struct xml_doc *x, int under, const char *path);
int xml_next(const struct xml_doc *x, int at); /* next of the same name and parent */
/* The child after `after` (XML_NONE: the first), of any name. */
int xml_child(const struct xml_doc *x, int under, int after);
struct str xml_text(const struct xml_doc *x, int at);
struct str xml_name(const struct xml_doc *x, int at);
struct str xml_get_under(const struct xml_doc *x, int under, const char *path);

/* Append to `out`; its sticky error tells. Control characters that XML cannot hold are dropped. */
void xml_add_open(struct buf *out, const char *name);
void xml_add_close(struct buf *out, const char *name);
void xml_add_cdata(struct buf *out, const char *name, struct str text); /* "]]>" is split */
void xml_add_text(struct buf *out, const char *name, struct str text);  /* escaped */
void xml_add_i64(struct buf *out, const char *name, int64_t v);

#endif
