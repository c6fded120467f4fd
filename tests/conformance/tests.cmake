# On the forwarder of tests/sff. What these tests, and all others whose names begin with ids, show is gathered by
# conformance.py into docs/conformance.md.
foreach(file architecture header payload transport)
  sluice_test(conformance ${file} LIBS sluice_sff SOURCES ${SFF_FIXTURE})
  target_link_options(test_conformance_${file} PRIVATE ${SFF_WRAP})
endforeach()

add_test(NAME conformance/py COMMAND /usr/bin/python3 ${CMAKE_CURRENT_SOURCE_DIR}/conformance/test_conformance.py)
set_tests_properties(conformance/py PROPERTIES TIMEOUT 60 LABELS unit)
