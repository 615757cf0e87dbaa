# SPDX-License-Identifier: Apache-2.0
# cmake -DIN=rulepack.json -DOUT=rulepack_json.c -P rulepack_embed.cmake: a file as a C array.
file(READ ${IN} hex HEX)
string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
file(WRITE ${OUT} "#include <stddef.h>
extern const unsigned char rulepack_json[];
extern const size_t rulepack_json_bytes;
const unsigned char rulepack_json[] = {
${bytes}0};
const size_t rulepack_json_bytes = sizeof rulepack_json - 1;
")
