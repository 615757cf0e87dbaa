/* SPDX-License-Identifier: Apache-2.0 */
#include "adapters/official/official.h"

static int official_create(const struct adapter_env *env, const json_t *conf, struct diag *diag,
                           struct adapter **ret)
{
    (void)conf;
    (void)ret;
    diag_addf(diag, NULL, 0, "connections.%s.kind: official: %s", env->name, err_text(ERR_UNSUPPORTED));
    return ERR_UNSUPPORTED;
}

const struct adapter_ops official_ops = {
    .kind = "official",
    .create = official_create,
};
