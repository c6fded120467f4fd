sluice_test(sfc table LIBS sluice_sfc)
sluice_test(sfc group LIBS sluice_sfc)
sluice_test(sfc ledger LIBS sluice_sfc)

add_test(NAME sfc/cli COMMAND python3 ${CMAKE_CURRENT_LIST_DIR}/test_cli.py $<TARGET_FILE:sluice>)
set_tests_properties(sfc/cli PROPERTIES TIMEOUT 120 LABELS unit)

foreach(file load load_bad load_yaml load_domain load_service load_proxy)
  sluice_test(sfc ${file} LIBS sluice_sfc)
endforeach()
sluice_fuzz(sfc config sluice_sfc)
