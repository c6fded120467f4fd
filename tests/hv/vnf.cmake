# Guest library and VNF images: the same sources on the host, then the images under hv.
set(vnf_host hv/vnf_host.c)
sluice_test(hv vnf_ring LIBS sluice_guest_host SOURCES ${vnf_host})
sluice_test(hv vnf_service LIBS sluice_guest_host SOURCES ${vnf_host})
sluice_test(hv vnf_text LIBS sluice_guest_host SOURCES ${vnf_host})
sluice_test(hv vnf_firewall LIBS sluice_vnf_host SOURCES ${vnf_host} ${CMAKE_SOURCE_DIR}/hv/vnf/firewall.c)
sluice_test(hv vnf_monitor LIBS sluice_vnf_host SOURCES ${vnf_host} ${CMAKE_SOURCE_DIR}/hv/vnf/monitor.c)
sluice_fuzz(hv firewall sluice_vnf_host)
