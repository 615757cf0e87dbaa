# SPDX-License-Identifier: Apache-2.0

# siyu_library(<folder> SOURCES a.c b.c LINKS siyu_base ... SYSTEM PkgConfig::X ...)
# makes the static library siyu_<folder>.
function(siyu_library name)
    cmake_parse_arguments(A "" "" "SOURCES;LINKS;SYSTEM" ${ARGN})
    if(A_SOURCES)
        add_library(siyu_${name} STATIC ${A_SOURCES})
        target_link_libraries(siyu_${name} PRIVATE siyu_flags PUBLIC ${A_LINKS} ${A_SYSTEM})
    else()
        add_library(siyu_${name} INTERFACE)
        target_link_libraries(siyu_${name} INTERFACE ${A_LINKS} ${A_SYSTEM})
    endif()
endfunction()

# siyu_unit_tests(<lib> test_a test_b ...): tests/unit/test_a.c linked with siyu_<lib>, cmocka and tests/support.
function(siyu_unit_tests lib)
    foreach(test ${ARGN})
        if(NOT EXISTS ${CMAKE_SOURCE_DIR}/tests/unit/${test}.c)
            message(WARNING "no ${test}.c yet")
            continue()
        endif()
        add_executable(${test} ${CMAKE_SOURCE_DIR}/tests/unit/${test}.c)
        target_link_libraries(${test} PRIVATE siyu_flags siyu_${lib} PkgConfig::CMOCKA)
        target_include_directories(${test} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
        target_compile_definitions(${test} PRIVATE
            TEST_SHARED_DIR="${CMAKE_SOURCE_DIR}/../shared" TEST_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
        add_test(NAME ${test} COMMAND ${test})
        set_tests_properties(${test} PROPERTIES TIMEOUT 120 LABELS unit)
        file(RELATIVE_PATH folder ${CMAKE_BINARY_DIR} ${CMAKE_CURRENT_BINARY_DIR})
        set_property(GLOBAL APPEND PROPERTY SIYU_UNIT_TESTS ${folder}/${test})
    endforeach()
endfunction()

# siyu_embed(<file> <name> <variable>): the file as the C array <name> of <name>_bytes; <variable> is its source.
function(siyu_embed file name variable)
    set(out ${CMAKE_CURRENT_BINARY_DIR}/${name}.c)
    add_custom_command(OUTPUT ${out}
        COMMAND ${CMAKE_COMMAND} -DIN=${CMAKE_CURRENT_SOURCE_DIR}/${file} -DOUT=${out} -DNAME=${name}
                -P ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
        DEPENDS ${file} ${CMAKE_SOURCE_DIR}/cmake/embed.cmake VERBATIM)
    set(${variable} ${out} PARENT_SCOPE)
endfunction()

# siyu_fuzz_targets(<lib> fuzz_a ...): tests/fuzz/fuzz_a.c, built only with -DSIYU_FUZZ=ON (clang). Every tree knows
# their names, so that the tests of one tree can run the targets of another.
function(siyu_fuzz_targets lib)
    foreach(target ${ARGN})
        file(RELATIVE_PATH folder ${CMAKE_BINARY_DIR} ${CMAKE_CURRENT_BINARY_DIR})
        set_property(GLOBAL APPEND PROPERTY SIYU_FUZZ_TARGETS ${folder}/${target})
        if(NOT SIYU_FUZZ)
            continue()
        endif()
        add_executable(${target} ${CMAKE_SOURCE_DIR}/tests/fuzz/${target}.c)
        target_link_libraries(${target} PRIVATE siyu_flags siyu_${lib})
        target_link_options(${target} PRIVATE -fsanitize=fuzzer,address,undefined)
    endforeach()
endfunction()
