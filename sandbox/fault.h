/* SPDX-License-Identifier: Apache-2.0 */
/* fault.h - what shall go wrong next: ordered by the control interface, taken by the faces.
 *
 * delay       wait, then do the call          slow-reply  do the call, wait, then answer
 * cut         close before doing it           drop-reply  do the call, close without an answer
 * throttle    refuse as a frequency limit     ban         refuse as a blocked account, until it is lifted
 * error       refuse with the given code
 *
 * Units    ms are real time: they stand for the network, not for the platform's clock.
 * Errors   ERR_INVALID with a complaint in the diag.
 * Memory   as must.h.
 * Threads  one at a time.
 */
#ifndef SIYU_SANDBOX_FAULT_H
#define SIYU_SANDBOX_FAULT_H

#include "sandbox/model.h"

enum sb_fate {
    SB_FATE_NONE,
    SB_FATE_DELAY,
    SB_FATE_SLOW_REPLY,
    SB_FATE_CUT,
    SB_FATE_DROP_REPLY,
    SB_FATE_THROTTLE,
    SB_FATE_BAN,
    SB_FATE_ERROR,
};

struct sb_fault {
    struct list node;
    char *connection, *path; /* "" means any; `path` is any part of the call's */
    enum sb_fate fate;
    int64_t ms, times; /* times -1: until cleared */
    int errcode;
    char *code; /* Aliyun's */
};

struct sb_faults {
    struct list list;
};

void sb_faults_init(struct sb_faults *f);
void sb_faults_fini(struct sb_faults *f);
/* {connection?, path?, fate, ms?, times?, errcode?, code?}; fate "clear" drops all that match connection and
 * path. */
int sb_fault_add(struct sb_faults *f, const json_t *spec, struct diag *diag);
/* Uses up one of the first fault that matches; SB_FATE_NONE: none does. `ret->code` is borrowed until the
 * next call. */
void sb_fault_take(struct sb_faults *f, const struct sb_call *c, struct sb_fault *ret);
/* What a fate answers on this call's platform. */
int sb_fault_errcode(const struct sb_fault *f, const struct sb_call *c, const char **ret_code);

#endif
