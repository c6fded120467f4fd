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
  sff/stages_output.c)
sluice_sff_test(damage sff/samples.c)
sluice_sff_test(segments sff/samples.c)
sluice_sff_test(lcore)
sluice_sff_test(stamp)
