foreach(file cls_parse cls_hash cls_rules cls_flow)
  sluice_test(classifier ${file} LIBS sluice_classifier sluice_sfc sluice_dpdk)
endforeach()
sluice_fuzz(classifier cls sluice_classifier sluice_sfc sluice_dpdk)
