include(hv/vnf.cmake)
