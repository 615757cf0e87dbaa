/* SPDX-License-Identifier: Apache-2.0 */
/* reader_private.h - shared by reader.c and reader_verify.c. */
#ifndef SIYU_STORE_READER_PRIVATE_H
#define SIYU_STORE_READER_PRIVATE_H

#include "store/reader.h"
#include "store/store_private.h"

struct reader {
    struct db *db;
};

#endif
