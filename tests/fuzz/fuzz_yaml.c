/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as YAML: no crash, a complaint for every refusal, a line for every mapping, list and string. */
#include "base/json.h"
#include "base/yaml.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int ok)
{
    if (!ok)
        abort();
}

static void check_lines(const struct yaml_doc *doc, json_t *node)
{
    const char *key;
    json_t *value;
    size_t i;

    if (json_is_boolean(node) || json_is_null(node))
        return;
    check(yaml_line_of(doc, node) > 0);
    json_array_foreach(node, i, value) check_lines(doc, value);
    json_object_foreach(node, key, value)
    {
        check(yaml_key_line(doc, node, key) > 0);
        check_lines(doc, value);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct yaml_doc *doc = NULL;
    struct diag diag;
    struct buf out;

    diag_init(&diag, 4);
    buf_init(&out, 16 << 20);
    if (yaml_load((struct str){(const char *)data, size}, "f", &doc, &diag) < 0) {
        check(!doc && diag_errors(&diag) == 1 && str_starts(str_of(diag_text(&diag, 0)), STR("f:")));
    } else {
        check(diag_errors(&diag) == 0);
        check_lines(doc, yaml_root(doc));
        check(json_write_compact(yaml_root(doc), &out) == 0);
    }
    yaml_unload(doc);
    buf_fini(&out);
    diag_fini(&diag);
    return 0;
}
