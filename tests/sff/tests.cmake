# The linker wraps every stage function: sff/observe.c sees the edges they take.
file(GLOB stages CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/sff/stage_*.c)
set(SFF_WRAP "")
foreach(stage ${stages})
  get_filename_component(name ${stage} NAME_WE)
  string(REGEX REPLACE "^stage_" "" name ${name})
  list(APPEND SFF_WRAP "LINKER:--wrap=sff_${name}")
endforeach()
set(SFF_FIXTURE ${CMAKE_CURRENT_LIST_DIR}/fixture.c ${CMAKE_CURRENT_LIST_DIR}/frames.c
  ${CMAKE_CURRENT_LIST_DIR}/observe.c)

# sluice_sff_test(FILE [SOURCES...]): a test on the fixture.
function(sluice_sff_test file)
  sluice_test(sff ${file} LIBS sluice_sff SOURCES ${SFF_FIXTURE} ${ARGN})
  target_link_options(test_sff_${file} PRIVATE ${SFF_WRAP})
endfunction()

sluice_sff_test(stages sff/stages_access.c sff/stages_transport.c sff/stages_transport_nsh.c sff/stages_sf.c
  sff/stages_output.c sff/stages_mix.c sff/peers.c sff/stages_underlay.c sff/stages_ip.c sff/stages_proxy.c sff/stages_attach.c)
sluice_sff_test(damage sff/samples.c sff/peers.c)
sluice_sff_test(segments sff/samples.c sff/peers.c)
sluice_sff_test(lcore)
sluice_sff_test(mirror)
sluice_sff_test(stamp)
foreach(file backoff mbuf options hv_message run_dir proxy reload rate traffic probe)
  sluice_test(sff ${file} LIBS sluice_sff)
  target_compile_definitions(test_sff_${file} PRIVATE _GNU_SOURCE)
endforeach()
sluice_sff_test(report)

sluice_fuzz(sff sff sluice_sff)
target_sources(fuzz_sff PRIVATE ${SFF_FIXTURE})
target_link_options(fuzz_sff PRIVATE ${SFF_WRAP})
target_compile_definitions(fuzz_sff PRIVATE SOURCE_DIR="${CMAKE_SOURCE_DIR}")

sluice_fuzz(sff proxy sluice_sff)
target_sources(fuzz_proxy PRIVATE ${SFF_FIXTURE})
target_link_options(fuzz_proxy PRIVATE ${SFF_WRAP})
target_compile_definitions(fuzz_proxy PRIVATE SOURCE_DIR="${CMAKE_SOURCE_DIR}")

# By hand, when samples.c has changed: make_sff_seeds tests/fuzz/regress/sff
add_executable(make_sff_seeds EXCLUDE_FROM_ALL sff/make_seeds.c sff/samples.c sff/peers.c ${SFF_FIXTURE})
target_link_libraries(make_sff_seeds PRIVATE sluice_sff sluice_flags)
target_link_options(make_sff_seeds PRIVATE ${SFF_WRAP})
target_compile_definitions(make_sff_seeds PRIVATE SOURCE_DIR="${CMAKE_SOURCE_DIR}")

# Tests around a configuration of their own.
foreach(file instances proxy_change)
  sluice_test(sff ${file} LIBS sluice_sff SOURCES ${CMAKE_CURRENT_LIST_DIR}/rig.c ${CMAKE_CURRENT_LIST_DIR}/frames.c)
endforeach()
