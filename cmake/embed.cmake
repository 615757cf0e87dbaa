# SPDX-License-Identifier: Apache-2.0
# cmake -DIN=a.json -DOUT=a.c -DNAME=a_json -P embed.cmake: a file as the C array a_json of a_json_bytes, and a NUL.
file(READ ${IN} hex HEX)
string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
file(WRITE ${OUT} "#include <stddef.h>
extern const unsigned char ${NAME}[];
extern const size_t ${NAME}_bytes;
const unsigned char ${NAME}[] = {
${bytes}0};
const size_t ${NAME}_bytes = sizeof ${NAME} - 1;
")
