/* Paths of IP payload, and port YARD as a host on its link: who is asked for, told, and sent to. The clock is
 * the test's. */
#include "stages.h"

#include "arp.h"
#include "icmp.h"
#include "nd.h"
#include "sff_ip.h"

static struct frame in, out, inner;

static const uint8_t mac_yard[6] = {0x02, 0, 0, 0, 0x0a, 0x03};
static const uint8_t mac_host[6] = {0x02, 0, 0, 0, 0x0e, 0x77};
static const uint8_t mac_new[6] = {0x02, 0, 0, 0, 0x0e, 0x99};
static const uint8_t mac_all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

#define YARD4    0x0a600001u /* 10.96.0.1 */
#define HOST4    0x0a60004du
#define GATEWAY4 0x0a6000feu
#define FAR4     0x0a010001u

static const union nsh_addr yard6 = {.bytes = {0xfd, 0, 0, 0x96, [15] = 1}};
static const union nsh_addr host6 = {.bytes = {0xfd, 0, 0, 0x96, [15] = 0x77}};
static const union nsh_addr gateway6 = {.bytes = {0xfe, 0x80, [15] = 0xfe}};
static const union nsh_addr far6 = {.bytes = {0x20, 0x01, 0x0d, 0xb8, [15] = 9}};

static void
later(struct fixture *f, double seconds)
{
	f->lc->underlay.now += (uint64_t)(seconds * (double)f->lc->underlay.hz);
}

static int
open_at_noon(void **state)
{
	struct fixture *f;

	stages_open(state);
	f = *state;
	f->lc->underlay.now = 1000 * f->lc->underlay.hz;
	return 0;
}

#define IP_TEST(name) cmocka_unit_test_setup_teardown(name, open_at_noon, stages_close)

/* UDP over IPv4 to a host, in a frame. */
static void
udp4(struct frame *f, uint16_t id, uint16_t dst_port, uint32_t dst)
{
	frame_udp(f, id, dst_port, 20);
	patch(f, (struct patch[PATCHES]){{ETH_HDR_SIZE + 16, 4, dst}});
	frame_fix_ip(f, ETH_HDR_SIZE);
}

/* The same over IPv6, from a host of the link. */
static void
udp6(struct frame *f, uint16_t id, uint16_t dst_port, const union nsh_addr *dst)
{
	struct nsh_ipv6_hdr ip = {
		.version_tc_label = RTE_BE32(NSH_IPV6_VERSION),
		.payload_size = RTE_BE16(NSH_UDP_SIZE + 20),
		.next_header = NSH_IPPROTO_UDP,
		.hop_limit = 64,
	};

	memcpy(ip.src, host6.bytes, sizeof(ip.src));
	memcpy(ip.dst, dst->bytes, sizeof(ip.dst));
	frame_udp(f, id, dst_port, 20);
	frame_pull(f, ETH_HDR_SIZE + NSH_IPV4_SIZE);
	frame_push(f, &ip, sizeof(ip));
	frame_push(f, NULL, ETH_HDR_SIZE);
	eth_build(f->bytes, mac_yard, mac_host, ETH_IPV6);
}

/* What `inner` carries comes from the other node, at the end of the path to YARD. */
static void
to_the_end(struct frame *f, uint8_t np)
{
	*f = inner;
	frame_pull(f, ETH_HDR_SIZE);
	frame_md1(f, 222, 254, 63, np);
	frame_gpe(f, 50000);
}

static void
send4(struct fixture *f, uint16_t id, uint32_t dst)
{
	udp4(&inner, id, 1, dst);
	to_the_end(&in, NSH_NP_IPV4);
	fixture_put(f, CORE, &in);
	fixture_run(f);
}

/* The next frame of YARD is packet `inner`, for `mac`. */
static void
expect_delivered(struct fixture *f, const uint8_t mac[6])
{
	assert_true(fixture_take(f, YARD, &out));
	assert_int_equal(out.size, inner.size);
	assert_memory_equal(out.bytes, mac, 6);
	assert_memory_equal(out.bytes + 6, mac_yard, 6);
	assert_memory_equal(out.bytes + 12, inner.bytes + 12, inner.size - 12);
}

static void
expect_delivered4(struct fixture *f, uint16_t id, uint32_t dst, const uint8_t mac[6])
{
	udp4(&inner, id, 1, dst);
	expect_delivered(f, mac);
}

static void
expect_question(struct fixture *f, uint32_t target, const uint8_t to[6])
{
	struct arp_info arp;

	assert_true(fixture_take(f, YARD, &out));
	assert_memory_equal(out.bytes, to, 6);
	assert_true(arp_parse(out.bytes + ETH_HDR_SIZE, out.size - ETH_HDR_SIZE, &arp));
	assert_int_equal(arp.op, ARP_REQUEST);
	assert_int_equal(arp.target, rte_cpu_to_be_32(target));
	assert_int_equal(arp.sender, RTE_BE32(YARD4));
	assert_memory_equal(arp.sender_mac, mac_yard, 6);
}

static void
make_arp(enum arp_op op, const uint8_t mac[6], uint32_t sender, uint32_t target)
{
	uint8_t eth[ETH_HDR_SIZE];

	arp_build_request(in.bytes, mac, rte_cpu_to_be_32(sender), rte_cpu_to_be_32(target));
	in.bytes[7] = (uint8_t)op;
	in.size = ARP_SIZE;
	eth_build(eth, op == ARP_REPLY ? mac_yard : mac_all, mac, ETH_ARP);
	frame_push(&in, eth, sizeof(eth));
	memset(in.bytes + in.size, 0, 60 - in.size);
	in.size = 60;
}

static void
say_arp(struct fixture *f, enum arp_op op, const uint8_t mac[6], uint32_t sender, uint32_t target)
{
	make_arp(op, mac, sender, target);
	fixture_put(f, YARD, &in);
	fixture_run(f);
}

static void
make_nd(const void *packet, size_t size)
{
	uint8_t eth[ETH_HDR_SIZE];

	memcpy(in.bytes, packet, size);
	in.size = (uint32_t)size;
	eth_build(eth, mac_yard, mac_host, ETH_IPV6);
	frame_push(&in, eth, sizeof(eth));
}

static void
n9_n18_the_packet_stands_alone_behind_nsh(void **state)
{
	struct fixture *f = *state;

	for (unsigned int tags = 0; tags <= ETH_TAGS_MAX; tags++)
		for (unsigned int padding = 0; padding < 30; padding += 29)
			for (uint16_t md = 1; md <= 2; md++)
				for (unsigned int family = 4; family <= 6; family += 2) {
					uint8_t np = family == 4 ? NSH_NP_IPV4 : NSH_NP_IPV6;
					size_t nsh = md == 1 ? NSH_MD1_SIZE : NSH_BASE_SIZE;
					struct nsh_hdr *hdr;

					if (family == 4)
						udp4(&inner, 7, (uint16_t)(1221 + md), FAR4);
					else
						udp6(&inner, 7, (uint16_t)(1221 + md), &far6);
					in = inner;
					for (unsigned int t = 0; t < tags; t++) {
						frame_push(&in, NULL, ETH_TAG_SIZE);
						memcpy(in.bytes, inner.bytes, 12);
						memcpy(in.bytes + 12, t == 0 ? "\x81\0\0\5" : "\x88\xa8\0\6",
							4);
					}
					memset(in.bytes + in.size, 0xee, padding);
					in.size += padding;
					expect_frame(f, "in", YARD, &in, "to core", CORE, &out);
					frame_pull(&out, OUTER_GPE4_SIZE);
					hdr = (struct nsh_hdr *)out.bytes;
					assert_int_equal(nsh_np(hdr), np);
					assert_int_equal(nsh_md_type(hdr), md);
					assert_int_equal(nsh_sp(hdr), nsh_sp_make(221u + md, 255));
					frame_pull(&out, nsh);
					frame_pull(&inner, ETH_HDR_SIZE);
					assert_frame_equal(&out, &inner);
				}
}

static void
n9_n15_a_packet_gets_a_frame_for_the_host_it_is_for(void **state)
{
	struct fixture *f = *state;
	union nsh_addr group = nd_solicited_node(&host6);
	uint8_t packet[ND_SIZE_MAX];
	struct nd_info nd;

	send4(f, 1, HOST4);
	expect_question(f, HOST4, mac_all);
	assert_int_equal(f->lc->underlay.n_held, 1);
	say_arp(f, ARP_REPLY, mac_host, HOST4, YARD4);
	expect_delivered4(f, 1, HOST4, mac_host);
	send4(f, 2, HOST4);
	expect_delivered4(f, 2, HOST4, mac_host);
	/* Padding of a link before is no part of it. */
	udp4(&inner, 3, 1, HOST4);
	in = inner;
	frame_pull(&in, ETH_HDR_SIZE);
	in.size += 9;
	frame_md1(&in, 222, 254, 63, NSH_NP_IPV4);
	frame_gpe(&in, 50000);
	expect(f, "padded", CORE, &in, "to yard");
	expect_delivered(f, mac_host);

	udp6(&inner, 4, 1, &host6);
	to_the_end(&in, NSH_NP_IPV6);
	fixture_put(f, CORE, &in);
	fixture_run(f);
	assert_true(fixture_take(f, YARD, &out));
	assert_int_equal(nd_parse(out.bytes + 14, out.size - 14, out.size - 14, &nd), ND_OK);
	assert_int_equal(nd.type, ND_SOLICITATION);
	assert_true(nsh_addr_equal(&nd.target, &host6) && nsh_addr_equal(&nd.dst, &group) &&
		    nsh_addr_equal(&nd.src, &yard6));
	make_nd(packet, nd_build_answer(packet, &nd, mac_host));
	fixture_put(f, YARD, &in);
	fixture_run(f);
	expect_delivered(f, mac_host);
	assert_int_equal(fixture_waiting(f, YARD), 0);
	assert_int_equal(f->lc->underlay.n_held, 0);
}

static void
what_is_off_the_link_goes_to_the_gateway(void **state)
{
	struct fixture *f = *state;
	uint8_t packet[ND_SIZE_MAX];
	struct nd_info nd;

	send4(f, 1, FAR4);
	expect_question(f, GATEWAY4, mac_all);
	send4(f, 2, GATEWAY4); /* the same neighbour */
	say_arp(f, ARP_REPLY, mac_host, GATEWAY4, YARD4);
	expect_delivered4(f, 1, FAR4, mac_host);
	expect_delivered4(f, 2, GATEWAY4, mac_host);
	udp6(&inner, 3, 1, &far6);
	to_the_end(&in, NSH_NP_IPV6);
	fixture_put(f, CORE, &in);
	fixture_run(f);
	assert_true(fixture_take(f, YARD, &out));
	assert_int_equal(nd_parse(out.bytes + 14, out.size - 14, out.size - 14, &nd), ND_OK);
	assert_true(nsh_addr_equal(&nd.target, &gateway6));
	make_nd(packet, nd_build_answer(packet, &nd, mac_new));
	fixture_put(f, YARD, &in);
	fixture_run(f);
	expect_delivered(f, mac_new);
	/* A port without addresses has no next hop to ask for. */
	udp4(&inner, 4, 1, HOST4);
	in = inner;
	frame_pull(&in, ETH_HDR_SIZE);
	frame_md1(&in, 100, 254, 63, NSH_NP_IPV4);
	frame_gpe(&in, 50000);
	expect(f, "no address", CORE, &in, "terminal: no-neighbour");
}

static void
groups_need_nobody_asked(void **state)
{
	static const struct {
		uint32_t dst;
		uint8_t mac[6];
	} rows[] = {
		{0xffffffff, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
		{0x0a6000ff, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}, /* the link's */
		{0xe0000001, {0x01, 0x00, 0x5e, 0x00, 0x00, 0x01}},
		{0xefffffff, {0x01, 0x00, 0x5e, 0x7f, 0xff, 0xff}},
	};
	static const union nsh_addr group = {.bytes = {0xff, 0x02, [12] = 1, 2, 3, 4}};
	static const uint8_t mac[6] = {0x33, 0x33, 1, 2, 3, 4};
	struct fixture *f = *state;

	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		send4(f, 1, rows[i].dst);
		expect_delivered4(f, 1, rows[i].dst, rows[i].mac);
	}
	udp6(&inner, 1, 1, &group);
	to_the_end(&in, NSH_NP_IPV6);
	expect(f, "IPv6", CORE, &in, "to yard");
	expect_delivered(f, mac);
	/* The port's own address is nobody else's. */
	udp4(&inner, 1, 1, YARD4);
	to_the_end(&in, NSH_NP_IPV4);
	expect(f, "to us", CORE, &in, "terminal: underlay");
}

static void
packets_wait_in_order_and_not_for_ever(void **state)
{
	struct fixture *f = *state;
	uint64_t timeouts = f->lc->dropped[SFC_DROP_NEIGH_TIMEOUT];

	for (uint16_t id = 0; id < SFF_HELD_PER_NEIGHBOUR; id++)
		send4(f, id, HOST4);
	udp4(&inner, 99, 1, HOST4);
	to_the_end(&in, NSH_NP_IPV4);
	expect(f, "one more", CORE, &in, "terminal: neigh-full");
	expect_question(f, HOST4, mac_all);
	assert_int_equal(fixture_waiting(f, YARD), 0);
	say_arp(f, ARP_REPLY, mac_host, HOST4, YARD4);
	for (uint16_t id = 0; id < SFF_HELD_PER_NEIGHBOUR; id++)
		expect_delivered4(f, id, HOST4, mac_host);

	send4(f, 1, HOST4 + 1);
	for (unsigned int i = 0; i < 3; i++) {
		expect_question(f, HOST4 + 1, mac_all);
		later(f, 1.01);
		fixture_run(f);
	}
	assert_int_equal(fixture_waiting(f, YARD), 0);
	assert_int_equal(f->lc->underlay.n_held, 0);
	assert_int_equal(f->lc->dropped[SFC_DROP_NEIGH_TIMEOUT], timeouts + 1);
}

static void
what_is_known_ages_and_moves(void **state)
{
	struct fixture *f = *state;

	send4(f, 1, HOST4);
	say_arp(f, ARP_REPLY, mac_host, HOST4, YARD4);
	fixture_forget(f);
	/* Announced to all: counts at once, and goes on as any frame between others. */
	make_arp(ARP_REQUEST, mac_new, HOST4, HOST4);
	expect(f, "moved", YARD, &in, "to wan");
	send4(f, 2, HOST4);
	expect_delivered4(f, 2, HOST4, mac_new);
	later(f, 31);
	send4(f, 3, HOST4);
	expect_question(f, HOST4, mac_new); /* used on, and asked */
	expect_delivered4(f, 3, HOST4, mac_new);
	later(f, 3.1);
	send4(f, 4, HOST4);
	expect_question(f, HOST4, mac_all);
	assert_int_equal(fixture_waiting(f, YARD), 0);
	say_arp(f, ARP_REPLY, mac_host, HOST4, YARD4);
	expect_delivered4(f, 4, HOST4, mac_host);
}

/* Somebody looks for hosts that are not there: it costs nobody his entry, and passes. */
static void
hosts_are_bounded_and_those_in_use_stay(void **state)
{
	struct fixture *f = *state;
	uint64_t full = f->lc->dropped[SFC_DROP_NEIGH_FULL];
	/* Our link is a /24 and has too few: look by IPv6. */
	union nsh_addr dst = host6;
	unsigned int sent = 0;

	send4(f, 1, HOST4);
	say_arp(f, ARP_REPLY, mac_host, HOST4, YARD4);
	fixture_forget(f);
	for (unsigned int round = 0; round < 10; round++) {
		for (unsigned int i = 0; i < 900; i++, sent++) {
			dst.bytes[13] = (uint8_t)(sent >> 16);
			dst.bytes[14] = (uint8_t)(sent >> 8);
			dst.bytes[15] = (uint8_t)sent;
			dst.bytes[8] = 1;
			udp6(&inner, 4, 1, &dst);
			to_the_end(&in, NSH_NP_IPV6);
			fixture_put(f, CORE, &in);
			fixture_run(f);
			fixture_forget(f);
		}
		send4(f, 2, HOST4);
		expect_delivered4(f, 2, HOST4, mac_host);
		later(f, 3.1);
		fixture_run(f);
		fixture_forget(f);
		assert_int_equal(f->lc->underlay.n_held, 0);
	}
	assert_true(sent > SFF_HOSTS_MAX);
	assert_true(f->lc->dropped[SFC_DROP_NEIGH_FULL] > full);
	later(f, SFF_HOST_IDLE_SECONDS + 1);
	full = f->lc->dropped[SFC_DROP_NEIGH_FULL];
	for (uint32_t host = 1; host < 100; host++)
		send4(f, 3, HOST4 + host);
	assert_int_equal(f->lc->dropped[SFC_DROP_NEIGH_FULL], full);
	later(f, 4);
	fixture_run(f);
}

static void
an_access_port_with_addresses_is_a_host_of_its_link(void **state)
{
	struct fixture *f = *state;
	union nsh_addr group = nd_solicited_node(&yard6);
	uint8_t packet[ND_SIZE_MAX];
	struct arp_info arp;
	struct nd_info nd;
	size_t size;

	make_arp(ARP_REQUEST, mac_host, HOST4, YARD4);
	expect(f, "who has us", YARD, &in, "2 verdicts");
	assert_true(fixture_take(f, YARD, &out));
	assert_true(arp_parse(out.bytes + 14, out.size - 14, &arp));
	assert_int_equal(arp.op, ARP_REPLY);
	assert_memory_equal(arp.sender_mac, mac_yard, 6);
	/* Of others it hears, and passes it on. */
	make_arp(ARP_REQUEST, mac_host, HOST4, HOST4 + 1);
	inner = in;
	expect_frame(f, "who has another", YARD, &in, "to wan", WAN, &out);
	assert_frame_equal(&out, &inner);
	make_arp(ARP_REPLY, mac_host, YARD4, HOST4);
	expect(f, "somebody says he is us", YARD, &in, "underlay_input: addr-conflict");

	size = nd_build_solicitation(packet, &host6, &group, &yard6, mac_host);
	make_nd(packet, size);
	expect(f, "solicitation", YARD, &in, "2 verdicts");
	assert_true(fixture_take(f, YARD, &out));
	assert_int_equal(nd_parse(out.bytes + 14, out.size - 14, out.size - 14, &nd), ND_OK);
	assert_int_equal(nd.type, ND_ADVERTISEMENT);
	assert_memory_equal(nd.mac, mac_yard, 6);
	size = nd_build_solicitation(packet, &host6, &group, &far6, mac_host);
	make_nd(packet, size);
	expect(f, "of others", YARD, &in, "to core"); /* it is IP, and a rule takes that */
	fixture_forget(f);
	packet[41] = 1;
	make_nd(packet, size);
	expect(f, "not valid", YARD, &in, "to core");
	fixture_forget(f);

	/* A ping. */
	udp4(&in, 0x0800, 0, YARD4);
	memset(in.bytes + 34, 0, 8);
	in.bytes[23] = NSH_IPPROTO_ICMP;
	in.bytes[34] = ICMP4_ECHO;
	size = in.size - 34;
	patch(&in,
		(struct patch[PATCHES]){{36, 2, rte_be_to_cpu_16((uint16_t)~nsh_sum(in.bytes + 34, size))}});
	frame_fix_ip(&in, ETH_HDR_SIZE);
	expect(f, "echo", YARD, &in, "2 verdicts");
	assert_true(fixture_take(f, YARD, &out));
	assert_int_equal(out.bytes[34], ICMP4_ECHO_REPLY);
	/* What is no ping is a packet as others are. */
	udp4(&in, 1, 2, YARD4);
	expect(f, "UDP to us", YARD, &in, "to core");
	fixture_forget(f);
	udp6(&in, 1, 2, &yard6);
	expect(f, "UDP to us", YARD, &in, "to core");
}

static void
only_ip_enters_a_path_that_carries_ip(void **state)
{
	struct fixture *f = *state;

	/* The rule takes all that comes from YARD, but its path carries IP. */
	frame_udp(&in, 1, 2, 20);
	patch(&in, (struct patch[PATCHES]){{12, 2, 0x88cc}});
	inner = in;
	expect_frame(f, "not IP", YARD, &in, "to wan", WAN, &out);
	assert_frame_equal(&out, &inner);
	for (uint32_t size = ETH_HDR_SIZE; size < 14 + 28 + 20; size++) {
		udp4(&in, 1, 2, FAR4);
		in.size = size;
		expect(f, "cut", YARD, &in,
			size < ETH_HDR_SIZE + NSH_IPV4_SIZE ? "to wan" : "nsh_push: ip-payload");
	}
	for (uint32_t size = ETH_HDR_SIZE; size < 14 + 48 + 20; size++) {
		udp6(&in, 1, 2, &far6);
		in.size = size;
		expect(f, "cut", YARD, &in,
			size < ETH_HDR_SIZE + NSH_IPV6_SIZE ? "to wan" : "nsh_push: ip-payload");
	}
	fixture_forget(f);
	/* Nor does anything else leave one as IP. */
	udp4(&inner, 1, 1, HOST4);
	for (unsigned int byte = 0; byte < 256; byte++) {
		to_the_end(&in, byte & 1 ? NSH_NP_IPV4 : NSH_NP_IPV6);
		in.bytes[OUTER_GPE4_SIZE + NSH_MD1_SIZE] = (uint8_t)byte;
		if (byte >> 4 == (byte & 1 ? 4 : 6) && (byte & 0xf) >= 5)
			continue;
		if (byte >> 4 == 6 && !(byte & 1))
			continue;
		expect(f, "version", CORE, &in, "terminal: ip-payload");
	}
	inner.size -= 1;
	to_the_end(&in, NSH_NP_IPV4);
	expect(f, "cut", CORE, &in, "terminal: ip-payload");
	inner.size = ETH_HDR_SIZE;
	to_the_end(&in, NSH_NP_IPV4);
	expect(f, "empty", CORE, &in, "terminal: ip-payload");
}

static void
a_packet_in_any_segments_is_the_same(void **state)
{
	struct fixture *f = *state;

	send4(f, 1, HOST4);
	say_arp(f, ARP_REPLY, mac_host, HOST4, YARD4);
	fixture_forget(f);
	udp4(&inner, 5, 1, HOST4);
	to_the_end(&in, NSH_NP_IPV4);
	for (uint16_t cut = 0; cut <= in.size; cut++) {
		fixture_put_split(f, CORE, &in, &cut, 1);
		expect_text("cut", fixture_verdict(f), "to yard");
		expect_delivered(f, mac_host);
	}
	for (uint16_t cut = 0; cut <= inner.size; cut++) {
		udp4(&inner, 5, 1222, FAR4);
		fixture_put_split(f, YARD, &inner, &cut, 1);
		expect_text("cut", fixture_verdict(f), "to core");
		assert_true(fixture_take(f, CORE, &out));
		frame_pull(&out, OUTER_GPE4_SIZE + NSH_MD1_SIZE);
		frame_pull(&inner, ETH_HDR_SIZE);
		assert_frame_equal(&out, &inner);
	}
}

/* No frame comes so: what NSH stands in front of was behind an Ethernet header before. */
static void
a_packet_without_room_for_a_header_is_dropped(void **state)
{
	struct fixture *f = *state;
	struct sff_burst *b = &f->lc->burst[0];
	struct rte_mbuf *m = rte_pktmbuf_alloc(f->lc->pool);

	udp4(&inner, 1, 1, HOST4);
	in = inner;
	frame_pull(&in, ETH_HDR_SIZE);
	frame_md2(&in, 222, 254, 63, NSH_NP_IPV4, NULL, 0);
	m->data_off = 0;
	memcpy(rte_pktmbuf_append(m, (uint16_t)in.size), in.bytes, in.size);
	b->n = 1;
	b->pkt[0] = m;
	b->meta[0] = (struct sff_meta){
		.sp = nsh_sp_make(222, 254), .port = CORE, .nsh_size = NSH_BASE_SIZE, .np = NSH_NP_IPV4};
	f->lc->received++;
	f->fake[CORE].stats.dequeued++;
	sff_run(f->lc, b, SFF_STAGE_SFP_LOOKUP);
	assert_int_equal(f->lc->dropped[SFC_DROP_NO_HEADROOM], 1);
	fixture_check(f);
}

static void
a5_answers_to_packets_take_the_reverse_path(void **state)
{
	struct fixture *f = *state;

	udp4(&in, 9, 1220, HOST4);
	in.bytes[0] = 0x06; /* any station: the header stays here */
	expect(f, "to the SF", LAN, &in, "to fw-1");
	assert_int_equal(fixture_serve(f, FW_1), 1);
	fixture_run(f);
	expect_question(f, HOST4, mac_all);
	say_arp(f, ARP_REPLY, mac_host, HOST4, YARD4);
	udp4(&inner, 9, 1220, HOST4);
	expect_delivered(f, mac_host);
	/* 10.96.0.77 answers 10.0.0.1. */
	frame_udp(&in, 1220, 9, 20);
	patch(&in, (struct patch[PATCHES]){{26, 4, HOST4}, {30, 4, 0x0a000001}});
	frame_fix_ip(&in, ETH_HDR_SIZE);
	expect_frame(f, "answer", YARD, &in, "to fw-1", FW_1, &out);
	assert_int_equal(nsh_sp((struct nsh_hdr *)(out.bytes + ETH_HDR_SIZE)), nsh_sp_make(221, 255));
}

static void
m1_m3_senders_of_packets_too_big_are_told_over_ip(void **state)
{
	struct fixture *f = *state;
	uint16_t mtu;

	f->fake[CORE].pmd.ip_mtu = 600;
	sff_plane_set_room(&f->plane);
	frame_udp(&in, 1, 1222, 600);
	in.bytes[ETH_HDR_SIZE + 6] = 0x40;
	patch(&in, (struct patch[PATCHES]){{26, 4, HOST4}});
	frame_fix_ip(&in, ETH_HDR_SIZE);
	expect(f, "too big", YARD, &in, "2 verdicts"); /* dropped, and a question */
	expect_question(f, HOST4, mac_all);
	say_arp(f, ARP_REPLY, mac_host, HOST4, YARD4);
	assert_true(fixture_take(f, YARD, &out));
	assert_memory_equal(out.bytes, mac_host, 6);
	assert_memory_equal(out.bytes + 6, mac_yard, 6);
	assert_int_equal(out.bytes[34] << 8 | out.bytes[35], ICMP4_UNREACHABLE << 8 | 4);
	mtu = (uint16_t)(out.bytes[40] << 8 | out.bytes[41]);
	assert_int_equal(mtu, 600 - 36 - NSH_MD1_SIZE);
	assert_int_equal(nsh_sum(out.bytes + 34, out.size - 34), 0xffff);
	frame_udp(&in, 1, 1222, mtu - 28u);
	expect(f, "as told", YARD, &in, "to core");
	fixture_forget(f);
	/* From behind nobody: no message. */
	frame_udp(&in, 1, 1222, 600);
	in.bytes[ETH_HDR_SIZE + 6] = 0x40;
	patch(&in, (struct patch[PATCHES]){{26, 4, YARD4}});
	frame_fix_ip(&in, ETH_HDR_SIZE);
	expect(f, "from us", YARD, &in, "remote_output: mtu");
	/* The end has a limit of its own. */
	f->fake[YARD].pmd.mtu = 14 + 47;
	udp4(&inner, 1, 1, HOST4);
	to_the_end(&in, NSH_NP_IPV4);
	expect(f, "at the end", CORE, &in, "terminal: mtu");
}

int
stages_ip(void)
{
	const struct CMUnitTest tests[] = {
		IP_TEST(n9_n18_the_packet_stands_alone_behind_nsh),
		IP_TEST(n9_n15_a_packet_gets_a_frame_for_the_host_it_is_for),
		IP_TEST(what_is_off_the_link_goes_to_the_gateway),
		IP_TEST(groups_need_nobody_asked),
		IP_TEST(packets_wait_in_order_and_not_for_ever),
		IP_TEST(what_is_known_ages_and_moves),
		IP_TEST(hosts_are_bounded_and_those_in_use_stay),
		IP_TEST(an_access_port_with_addresses_is_a_host_of_its_link),
		IP_TEST(only_ip_enters_a_path_that_carries_ip),
		IP_TEST(a_packet_in_any_segments_is_the_same),
		IP_TEST(a_packet_without_room_for_a_header_is_dropped),
		IP_TEST(a5_answers_to_packets_take_the_reverse_path),
		IP_TEST(m1_m3_senders_of_packets_too_big_are_told_over_ip),
	};

	return cmocka_run_group_tests_name("ip", tests, NULL, NULL);
}
