foreach(file nsh_hdr nsh_parse nsh_build nsh_md2 eth nsh_ip nsh_ipv6 nsh_ecn vxlan_gpe outer_parse outer_push arp nd icmp_echo icmp_error)
  sluice_test(nsh ${file} LIBS sluice_nsh)
endforeach()

# Two foreign decoders read frames that our code built.
add_executable(emit_pcap nsh/emit_pcap.c)
set_target_properties(emit_pcap PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
target_link_libraries(emit_pcap PRIVATE sluice_nsh PkgConfig::PCAP sluice_flags)
foreach(decoder tshark scapy)
  # Debian's Python: the one that python3-scapy belongs to.
  add_test(NAME nsh/decoder_${decoder}
    COMMAND /usr/bin/python3 ${CMAKE_CURRENT_SOURCE_DIR}/nsh/check_decoders.py $<TARGET_FILE:emit_pcap> ${decoder})
  set_tests_properties(nsh/decoder_${decoder} PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 120 LABELS unit)
endforeach()

sluice_fuzz(nsh nsh sluice_nsh)
sluice_fuzz(nsh outer sluice_nsh)
sluice_fuzz(nsh underlay sluice_nsh)
