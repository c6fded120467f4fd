# Guest library and VNF images: the same sources on the host, then the images under hv.
set(vnf_host hv/vnf_host.c)
sluice_test(hv vnf_ring LIBS sluice_guest_host SOURCES ${vnf_host})
sluice_test(hv vnf_service LIBS sluice_guest_host SOURCES ${vnf_host})
sluice_test(hv vnf_text LIBS sluice_guest_host SOURCES ${vnf_host})
sluice_test(hv vnf_firewall LIBS sluice_vnf_host SOURCES ${vnf_host} ${CMAKE_SOURCE_DIR}/hv/vnf/firewall.c)
sluice_test(hv vnf_monitor LIBS sluice_vnf_host SOURCES ${vnf_host} ${CMAKE_SOURCE_DIR}/hv/vnf/monitor.c)
sluice_fuzz(hv firewall sluice_vnf_host)

# One program, once per runtime; it needs dpdk-testpmd as the back end.
sluice_test(hv vnf_run LIBS sluice_hv_abi SOURCES hv/vnf_run.c LABELS root)
target_compile_definitions(test_hv_vnf_run PRIVATE _GNU_SOURCE)
add_dependencies(test_hv_vnf_run hv vnf_bridge vnf_firewall vnf_monitor)
add_test(NAME hv/vnf_run_kvm COMMAND test_hv_vnf_run kvm)
set_tests_properties(hv/vnf_run_kvm PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 120 LABELS "kvm;root")
