/**
 * Drop reasons: every packet that is received ends sent, or under exactly one of these names.
 *
 * Included by the packet path (sff/) that counts them and by the ledger that prints them. The names are a
 * contract: they stand in JSON, in `sluice show drops` and in tests. Append, never rename.
 */
#ifndef SFC_DROP_H
#define SFC_DROP_H

/* X(symbol, name, help). Order is the order of the way of a packet. */
#define SFC_DROPS(X)                                                                                         \
	X(CAPTURE_SIZE, "capture-size", "capture record of length 0 or above 65,535 bytes")                  \
	X(NO_MBUF, "no-mbuf", "the port had no free packet buffer or reported an overrun")                   \
	X(ETH_TRUNCATED, "eth-truncated", "frame shorter than its Ethernet header")                          \
	X(RULE, "rule", "a classifier rule says drop")                                                       \
	X(DEFAULT, "default", "no rule matched and the default is drop")                                     \
	X(NO_PEER, "no-peer", "to be forwarded, but the access port has no peer")                            \
	X(NSH_PORT, "nsh-port", "NSH arrived on a port that is not NSH-facing")                              \
	X(NOT_NSH, "not-nsh", "frame on a transport port that is no known transport")                        \
	X(NOT_OURS, "not-ours", "outer destination address is not this node's")                              \
	X(OUTER_PEER, "outer-peer", "outer source address is no node's locator")                             \
	X(OUTER_TRUNCATED, "outer-truncated", "outer headers run past the frame")                            \
	X(OUTER_HEADER, "outer-header", "malformed outer IP or UDP header")                                  \
	X(OUTER_CHECKSUM, "outer-checksum", "bad outer IP or UDP checksum")                                  \
	X(OUTER_FRAGMENT, "outer-fragment", "outer IP fragment: a transport never fragments here")           \
	X(OUTER_VNI, "outer-vni", "VNI or GRE key is not the locator's")                                     \
	X(GPE_VERSION, "gpe-version", "VXLAN-GPE version is not 0")                                          \
	X(GPE_FLAGS, "gpe-flags", "VXLAN-GPE I bit is not set")                                              \
	X(GPE_OAM, "gpe-oam", "VXLAN-GPE O bit: tunnel OAM is not processed")                                \
	X(GPE_PROTO, "gpe-proto", "VXLAN-GPE next protocol is not NSH")                                      \
	X(NSH_TRUNCATED, "nsh-truncated", "NSH runs past the frame")                                         \
	X(NSH_VERSION, "nsh-version", "NSH version is not 0 (RFC 8300 2.2)")                                 \
	X(NSH_MD_TYPE, "nsh-md-type", "NSH MD type is neither 1 nor 2 (RFC 8300 2.2)")                       \
	X(NSH_LENGTH, "nsh-length", "NSH length does not fit its MD type (RFC 8300 2.4, 2.5)")               \
	X(NSH_TTL, "nsh-ttl", "TTL became 0 (RFC 8300 2.2)")                                                 \
	X(OAM, "oam", "O bit set and SFC OAM not supported (RFC 9451)")                                      \
	X(NSH_PROTO, "nsh-proto", "NSH next protocol is not supported here (RFC 8300 2.2)")                  \
	X(NO_PATH, "no-path", "no such service path on this node (RFC 8300 3)")                              \
	X(NO_HOP, "no-hop", "the path has no next hop at this service index (RFC 8300 3)")                   \
	X(SI_ZERO, "si-zero", "SI is 0 and this is not the path's end (RFC 8300 2.3)")                       \
	X(SF_INDEX, "sf-index", "an SF sent a (SPI, SI) that does not follow a position of its own")         \
	X(SF_FRAME, "sf-frame", "an SF sent a frame that is not Ethernet and NSH")                           \
	X(SF_DOWN, "sf-down", "no instance of the function is up, and it fails closed")                      \
	X(SF_RING_FULL, "sf-ring-full", "the instance's ring had no room")                                   \
	X(SF_LOST, "sf-lost", "inside an instance when it died, or broke the rules of its rings")            \
	X(SF_STUCK, "sf-stuck", "inside an instance that made no progress until the end of the replay")      \
	X(SF_CONSUMED, "sf-consumed", "taken by an instance and not sent on: its own decision")              \
	X(NO_HEADROOM, "no-headroom", "no room for the headers to add")                                      \
	X(MTU, "mtu", "frame larger than 65,535 bytes or than the port takes")                               \
	X(TX_FULL, "tx-full", "the port's transmit queue had no room")                                       \
	X(EGRESS_DOWN, "egress-down", "the port could not take the frame: closed or failed")                 \
	X(SHUTDOWN, "shutdown", "held inside the forwarder when it was told to stop")                        \
	X(MIRROR_FULL, "mirror-full", "copy by a mirror: no free buffer, or no room at its destination")     \
	X(SF_RECLASSIFY, "sf-reclassify", "an SF moved a frame to a path its function may not choose")       \
	X(INSECURE, "insecure", "frame of a secure path from a port that is not secure")                     \
	X(OUTER_ZERO, "outer-zero", "UDP over IPv6 without a checksum (RFC 8200 8.1)")                       \
	X(OUTER_PROTO, "outer-proto", "payload of a VXLAN, Geneve or GRE tunnel is not NSH")                 \
	X(VXLAN_FLAGS, "vxlan-flags", "VXLAN I bit is not set")                                              \
	X(GENEVE_VERSION, "geneve-version", "Geneve version is not 0")                                       \
	X(GENEVE_OAM, "geneve-oam", "Geneve O bit: control packets are not processed")                       \
	X(GENEVE_OPTIONS, "geneve-options", "Geneve options run past the packet")                            \
	X(GENEVE_CRITICAL, "geneve-critical", "Geneve critical option that is not known (RFC 8926 3.5)")     \
	X(GRE_HEADER, "gre-header", "GRE version or flags that must be 0 (RFC 2784 2.3)")                    \
	X(ECN, "ecn", "outer CE on a packet that is not ECN-capable (RFC 6040 4.2)")                         \
	X(PROXY_MISS, "proxy-miss", "from an SF without NSH, and nothing tells its path (RFC 7665 4.6)")     \
	X(PROXY_METADATA, "proxy-metadata", "MD type 1 context of unknown layout at a proxy (RFC 8300 2.4)") \
	X(PROXY_LOCAL, "proxy-local",                                                                        \
		"ARP or neighbour discovery of an SF without NSH that needs no answer")                      \
	X(UNDERLAY, "underlay", "for this node itself: ARP, neighbour discovery, ICMP")                      \
	X(ADDR_CONFLICT, "addr-conflict", "another station claims an address of ours (RFC 5227)")            \
	X(NO_NEIGHBOUR, "no-neighbour",                                                                      \
		"no next hop, or its MAC address is not known and a replay asks nobody")                     \
	X(NEIGH_FULL, "neigh-full", "too many frames wait for the MAC address of the next hop")              \
	X(NEIGH_TIMEOUT, "neigh-timeout", "next hop did not answer ARP or neighbour discovery")              \
	X(NSH_LEAK, "nsh-leak", "frame with NSH inside, for a port or SF that is not NSH-facing")            \
	X(OFFLOAD, "offload", "its sender left segments or a checksum to hardware: ethtool -K DEV tx off")   \
	X(IP_PAYLOAD, "ip-payload", "no whole IP packet, on a path that carries IP")

enum sfc_drop {
#define X(symbol, name, help) SFC_DROP_##symbol,
	SFC_DROPS(X)
#undef X
		SFC_DROP_MAX
};

/** Name of a drop reason, as in JSON; static storage. Thread: any. */
const char *sfc_drop_name(enum sfc_drop reason);

/** One line that says what it means; static storage. Thread: any. */
const char *sfc_drop_help(enum sfc_drop reason);

#endif
