foreach(file nsh_hdr nsh_parse nsh_build nsh_md2 eth nsh_ip nsh_ipv6 nsh_ecn outer_parse outer_push arp nd icmp_echo icmp_error offload)
  sluice_test(nsh ${file} LIBS sluice_nsh)
endforeach()

# Two foreign decoders read frames that our code built, and we read frames that scapy built.
foreach(program emit_pcap read_frames)
  add_executable(${program} nsh/${program}.c)
  set_target_properties(${program} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_link_libraries(${program} PRIVATE sluice_nsh PkgConfig::PCAP sluice_flags)
endforeach()
foreach(decoder tshark scapy scapy-built)
  # Debian's Python: the one that python3-scapy belongs to.
  add_test(NAME nsh/decoder_${decoder}
    COMMAND /usr/bin/python3 ${CMAKE_CURRENT_SOURCE_DIR}/nsh/check_decoders.py $<TARGET_FILE:emit_pcap>
            $<TARGET_FILE:read_frames> ${decoder})
  set_tests_properties(nsh/decoder_${decoder} PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 120 LABELS unit)
endforeach()

sluice_fuzz(nsh nsh sluice_nsh)
sluice_fuzz(nsh outer sluice_nsh)
sluice_fuzz(nsh underlay sluice_nsh)
