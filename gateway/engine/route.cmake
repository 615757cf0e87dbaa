# SPDX-License-Identifier: Apache-2.0
siyu_library(route SOURCES route.c route_automaton.c route_lint.c route_table.c LINKS siyu_base siyu_rulepack)
siyu_unit_tests(route test_route)
