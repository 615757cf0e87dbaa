# SPDX-License-Identifier: Apache-2.0
# Flags for our own code. Third-party sources (llhttp) are built without them.
add_library(siyu_flags INTERFACE)
target_compile_definitions(siyu_flags INTERFACE _GNU_SOURCE)
target_include_directories(siyu_flags INTERFACE ${CMAKE_SOURCE_DIR}/gateway ${CMAKE_SOURCE_DIR})
target_compile_options(siyu_flags INTERFACE
    -Wall -Wextra -Wconversion -Wno-sign-conversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
    -Wvla -Wformat=2 -Wundef -Werror
    -UNDEBUG # asserts stay in release: a bug must not run on
    -fstack-protector-strong -fno-strict-overflow -fno-delete-null-pointer-checks -fPIE)
target_link_options(siyu_flags INTERFACE -pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    target_compile_options(siyu_flags INTERFACE -fstack-clash-protection -fcf-protection=full
        -ftrivial-auto-var-init=zero -Wbidi-chars=any -Wtrampolines)
endif()

# A sanitizer or fuzzer must see every object, so these are directory-wide.
if(SIYU_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -g)
    add_link_options(-fsanitize=address,undefined)
elseif(SIYU_TSAN)
    add_compile_options(-fsanitize=thread -fno-omit-frame-pointer -g)
    add_link_options(-fsanitize=thread)
elseif(SIYU_SANITIZE)
    add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -g)
    add_link_options(-fsanitize=address,undefined)
else()
    target_compile_options(siyu_flags INTERFACE $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3>)
endif()
