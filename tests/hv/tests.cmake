include(hv/vnf.cmake)

# A guest on nothing but the ABI, for the tests and the bench of the runner.
add_executable(hv_guest_case hv/guest_case.c)
set_target_properties(hv_guest_case PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests
  POSITION_INDEPENDENT_CODE OFF LINK_DEPENDS ${CMAKE_SOURCE_DIR}/hv/guest/vnf.ld)
target_include_directories(hv_guest_case PRIVATE ${CMAKE_SOURCE_DIR}/hv)
target_compile_options(hv_guest_case PRIVATE -O1 -ffreestanding -fno-pie -fno-stack-protector -mno-red-zone
  -fcf-protection=none -fno-asynchronous-unwind-tables -fno-strict-aliasing -Wall -Wextra)
target_link_options(hv_guest_case PRIVATE -static -nostdlib -Wl,--build-id=none -Wl,-z,max-page-size=4096
  -Wl,-z,noexecstack -T ${CMAKE_SOURCE_DIR}/hv/guest/vnf.ld)

sluice_test(hv elf LIBS sluice_hv)
sluice_test(hv vhost LIBS sluice_hv)
sluice_test(hv control LIBS sluice_hv)
sluice_fuzz(hv elf sluice_hv)
sluice_fuzz(hv vhost_reply sluice_hv)

# The program from outside.
sluice_test(hv options LIBS sluice_hv_abi SOURCES hv/runner.c)
sluice_test(hv run_kvm LIBS sluice_hv_abi SOURCES hv/runner.c LABELS kvm)
sluice_test(hv run_process LIBS sluice_hv_abi SOURCES hv/runner.c)
foreach(test options run_kvm run_process)
  target_compile_definitions(test_hv_${test} PRIVATE _GNU_SOURCE)
  add_dependencies(test_hv_${test} hv hv_guest_case)
endforeach()
# Hangs are told by CPU time: a neighbour that takes the CPU makes the test wait.
set_tests_properties(hv/run_process PROPERTIES RUN_SERIAL ON)
