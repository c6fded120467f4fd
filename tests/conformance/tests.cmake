# On the forwarder of tests/sff. What these tests, and all others whose names begin with ids, show is gathered by
# conformance.py into docs/conformance.md.
foreach(file architecture header payload transport)
  sluice_test(conformance ${file} LIBS sluice_sff SOURCES ${SFF_FIXTURE})
  target_link_options(test_conformance_${file} PRIVATE ${SFF_WRAP})
endforeach()
