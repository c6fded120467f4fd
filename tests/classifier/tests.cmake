foreach(file cls_rules)
  sluice_test(classifier ${file} LIBS sluice_classifier sluice_sfc sluice_dpdk)
endforeach()
