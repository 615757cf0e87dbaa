/* SPDX-License-Identifier: Apache-2.0 */
/* sbxml.h - XML as the platforms speak it: writes pushes, reads passive replies.
 *
 * The reader is stricter than the platforms are: what it takes, any client shows. A document is one root
 * element without attributes; text is plain, CDATA or both; no DOCTYPE, processing instruction or comment.
 * The root's children become a JSON object: text is a string, children are an object, repeats an array.
 *
 * Limits   64 KiB, 8 levels, 256 elements.
 * Errors   0, -EBADMSG (not such a document, or not UTF-8), -ENOMEM.
 * Memory   `ret` is a new reference; the writers borrow and report failure through ferror(out).
 */
#ifndef SIYU_SANDBOX_SBXML_H
#define SIYU_SANDBOX_SBXML_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { SB_XML_BYTES = 64 * 1024, SB_XML_DEPTH = 8, SB_XML_ELEMENTS = 256 };

/* <name><![CDATA[text]]></name>; a "]]>" inside is split over two sections. */
void sb_xml_text(FILE *out, const char *name, const char *text);
void sb_xml_number(FILE *out, const char *name, int64_t number);

/* Writes an object's members in order: strings as CDATA, numbers bare, objects nested, arrays repeated. */
void sb_xml_members(FILE *out, const json_t *object);

int sb_xml_read(const char *text, size_t len, json_t **ret);

#endif
