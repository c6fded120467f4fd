# The benches' own tests. What measures time has the label perf and is out of the default run.
sluice_test(bench window LIBS bench_harness)
sluice_test(bench frames LIBS bench_harness)

# Every case once: with a sanitizer that is a test of the packet path, too.
foreach(program stage_cost pipeline)
  add_test(NAME bench/${program} COMMAND bench_${program} --once 256)
  set_tests_properties(bench/${program} PROPERTIES TIMEOUT 120 LABELS unit)
endforeach()

add_test(NAME bench/e2e COMMAND bench_e2e --once 256)
set_tests_properties(bench/e2e PROPERTIES TIMEOUT 120 RUN_SERIAL ON LABELS e2e)

add_test(NAME bench/ir_commits COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/bench/ir.py --commits)
set_tests_properties(bench/ir_commits PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 300 LABELS unit)
# The floor is that of a release build.
if(NOT SLUICE_SANITIZE)
  add_test(NAME bench/ir COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/bench/ir.py ${CMAKE_BINARY_DIR})
  set_tests_properties(bench/ir PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 300 LABELS unit)
endif()

foreach(file ir stats peers)
  add_test(NAME bench/${file}_py COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/test_${file}.py)
  set_tests_properties(bench/${file}_py PROPERTIES TIMEOUT 60 LABELS unit)
endforeach()

add_test(NAME bench/self COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/perf_self.py ${CMAKE_BINARY_DIR})
set_tests_properties(bench/self PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 3600 RUN_SERIAL ON LABELS perf)

add_test(NAME bench/scaling COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/test_scaling.py ${CMAKE_BINARY_DIR})
set_tests_properties(bench/scaling PROPERTIES TIMEOUT 180 LABELS unit)
