/* SPDX-License-Identifier: Apache-2.0 */
#include "adapters/sms/sms.h"

static int sms_create(const struct adapter_env *env, const json_t *conf, struct diag *diag,
                      struct adapter **ret)
{
    (void)env;
    (void)conf;
    (void)diag;
    (void)ret;
    return ERR_UNSUPPORTED;
}

const struct adapter_ops sms_aliyun_ops = {
    .kind = "sms-aliyun",
    .create = sms_create,
};
