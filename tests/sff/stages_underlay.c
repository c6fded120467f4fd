/* The underlay of port MIX: next hops that are to be resolved, questions to us, packets too big for a link.
 * The clock is the test's. */
#include "stages.h"

#include "arp.h"
#include "icmp.h"
#include "nd.h"

static struct frame in, out, inner;

static const uint8_t mac_mix[6] = {0x02, 0, 0, 0, 0x0a, 0x02};
static const uint8_t mac_near[6] = {0x02, 0, 0, 0, 0x0d, 0x50};
static const uint8_t mac_new[6] = {0x02, 0, 0, 0, 0x0d, 0x99};
static const uint8_t mac_all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

#define HERE4                RTE_BE32(0x0a620001) /* 10.98.0.1 */
#define NEAR4                RTE_BE32(0x0a620032) /* 10.98.0.50: next hop of SPI 150 */
#define OTHER4               RTE_BE32(0x0a620033) /* 10.98.0.51: of SPI 151 */
#define GATEWAY4             RTE_BE32(0x0a6200fe) /* 10.98.0.254: of SPI 153 */
#define NOBODY4              RTE_BE32(0x0a620063)
#define KNOWN_FROM_THE_START 6 /* next hops of MIX, the gateways of YARD */

static const union nsh_addr here6 = {.bytes = {0xfd, 0, 0, 0x98, [15] = 1}};
static const union nsh_addr near6 = {.bytes = {0xfd, 0, 0, 0x98, [15] = 0x50}}; /* of SPI 152 */

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

#define UNDERLAY_TEST(name) cmocka_unit_test_setup_teardown(name, open_at_noon, stages_close)

/* A frame that is to leave for the remote of an SPI; `id` tells it from others. */
static void
send_to(struct fixture *f, uint32_t spi, uint16_t id)
{
	frame_udp(&in, id, 5000, 20);
	frame_md1(&in, spi, 254, 63, NSH_NP_ETHERNET);
	frame_gpe(&in, 50000);
	fixture_put(f, CORE, &in);
	fixture_run(f);
}

static void
make_arp(enum arp_op op, const uint8_t mac[6], rte_be32_t sender, rte_be32_t target)
{
	uint8_t arp[ARP_SIZE], eth[ETH_HDR_SIZE];

	arp_build_request(arp, mac, sender, target);
	arp[7] = (uint8_t)op;
	memcpy(in.bytes, arp, sizeof(arp));
	in.size = sizeof(arp);
	eth_build(eth, op == ARP_REPLY ? mac_mix : mac_all, mac, ETH_ARP);
	frame_push(&in, eth, sizeof(eth));
	memset(in.bytes + in.size, 0, 60 - in.size);
	in.size = 60;
}

static void
say_arp(struct fixture *f, const char *what, enum arp_op op, const uint8_t mac[6], rte_be32_t sender,
	rte_be32_t target, const char *want)
{
	make_arp(op, mac, sender, target);
	expect(f, what, MIX, &in, want);
}

static void
say_answer(struct fixture *f, const uint8_t mac[6], rte_be32_t sender)
{
	fixture_forget(f);
	make_arp(ARP_REPLY, mac, sender, HERE4);
	fixture_put(f, MIX, &in);
	fixture_run(f);
}

/* The next frame on MIX asks who has `target`; to everybody, or to one. */
static void
expect_question(struct fixture *f, rte_be32_t target, const uint8_t to[6])
{
	struct arp_info arp;

	assert_true(fixture_take(f, MIX, &out));
	assert_memory_equal(out.bytes, to, 6);
	assert_memory_equal(out.bytes + 6, mac_mix, 6);
	assert_int_equal(out.bytes[12] << 8 | out.bytes[13], ETH_ARP);
	assert_true(arp_parse(out.bytes + ETH_HDR_SIZE, out.size - ETH_HDR_SIZE, &arp));
	assert_int_equal(arp.op, ARP_REQUEST);
	assert_int_equal(arp.target, target);
	assert_int_equal(arp.sender, HERE4);
	assert_memory_equal(arp.sender_mac, mac_mix, 6);
}

/* The next frame on MIX carries packet `id` to `mac`. */
static void
expect_packet(struct fixture *f, uint16_t id, const uint8_t mac[6], size_t outer)
{
	assert_true(fixture_take(f, MIX, &out));
	assert_memory_equal(out.bytes, mac, 6);
	frame_udp(&inner, id, 5000, 20);
	frame_pull(&out, outer + NSH_MD1_SIZE);
	assert_frame_equal(&out, &inner);
}

#define OUTER4 (ETH_HDR_SIZE + NSH_IPV4_SIZE + NSH_UDP_SIZE)
#define OUTER6 (ETH_HDR_SIZE + NSH_IPV6_SIZE + NSH_UDP_SIZE)

static uint64_t
dropped(const struct fixture *f, enum sfc_drop reason)
{
	return f->lc->dropped[reason];
}

static void
frames_wait_for_the_next_hop_and_leave_in_order(void **state)
{
	struct fixture *f = *state;

	for (uint16_t i = 0; i < 10; i++)
		send_to(f, 150, i);
	assert_int_equal(f->lc->underlay.n_held, 10);
	assert_int_equal(fixture_waiting(f, MIX), 1); /* one question for all of them */
	expect_question(f, NEAR4, mac_all);
	say_answer(f, mac_near, NEAR4);
	assert_int_equal(fixture_waiting(f, MIX), 10);
	for (uint16_t i = 0; i < 10; i++)
		expect_packet(f, i, mac_near, OUTER4);
	send_to(f, 150, 77);
	expect_packet(f, 77, mac_near, OUTER4);
	assert_int_equal(f->lc->underlay.originated, 1);
	assert_int_equal(dropped(f, SFC_DROP_UNDERLAY), 1);
}

static void
an_answer_and_a_frame_in_one_burst_do_not_overtake(void **state)
{
	struct fixture *f = *state;

	send_to(f, 150, 1);
	send_to(f, 150, 2);
	expect_question(f, NEAR4, mac_all);
	/* As if another worker had heard the answer. */
	sff_neighbour_learn(&f->plane.neighbours->entry[0], mac_near, SFF_HEARD_ANSWER, f->lc->underlay.now,
		f->lc->underlay.hz);
	send_to(f, 150, 3);
	for (uint16_t i = 1; i <= 3; i++)
		expect_packet(f, i, mac_near, OUTER4);
}

static void
a_silent_next_hop_is_asked_three_times_and_its_frames_dropped(void **state)
{
	struct fixture *f = *state;

	send_to(f, 150, 1);
	expect_question(f, NEAR4, mac_all);
	for (unsigned int tenth = 1; tenth < 30; tenth++) {
		later(f, 0.1);
		fixture_poll(f);
		if (tenth % 10 == 0)
			expect_question(f, NEAR4, mac_all);
		assert_int_equal(fixture_waiting(f, MIX), 0);
		assert_int_equal(f->lc->underlay.n_held, 1);
	}
	later(f, 0.11);
	fixture_poll(f);
	assert_int_equal(f->lc->underlay.n_held, 0);
	assert_int_equal(dropped(f, SFC_DROP_NEIGH_TIMEOUT), 1);
	/* The next frame tries again. */
	send_to(f, 150, 2);
	expect_question(f, NEAR4, mac_all);
	say_answer(f, mac_near, NEAR4);
	expect_packet(f, 2, mac_near, OUTER4);
}

static void
what_is_held_is_bounded_per_neighbour_and_in_all(void **state)
{
	struct fixture *f = *state;

	for (uint16_t i = 0; i < SFF_HELD_PER_NEIGHBOUR + 5; i++)
		send_to(f, 150, i);
	assert_int_equal(f->lc->underlay.n_held, SFF_HELD_PER_NEIGHBOUR);
	assert_int_equal(dropped(f, SFC_DROP_NEIGH_FULL), 5);
	expect(f, "the next one", CORE, &in, "remote_output: neigh-full");
	/* Another one still has room. */
	send_to(f, 151, 1);
	assert_int_equal(f->lc->underlay.n_held, SFF_HELD_PER_NEIGHBOUR + 1);
	say_answer(f, mac_near, OTHER4);
	expect_packet(f, 1, mac_near, OUTER4);
	assert_int_equal(f->lc->underlay.n_held, SFF_HELD_PER_NEIGHBOUR);
	later(f, 10);
	fixture_poll(f);
	assert_int_equal(dropped(f, SFC_DROP_NEIGH_TIMEOUT), SFF_HELD_PER_NEIGHBOUR);
}

static void
what_is_off_the_link_goes_to_the_gateway(void **state)
{
	struct fixture *f = *state;

	send_to(f, 153, 9);
	expect_question(f, GATEWAY4, mac_all);
	say_answer(f, mac_near, GATEWAY4);
	assert_true(fixture_take(f, MIX, &out));
	assert_memory_equal(out.bytes, mac_near, 6);
	assert_int_equal(out.bytes[30] << 8 | out.bytes[31], 10 << 8 | 97); /* still to the locator */
}

static void
an_old_mac_is_used_and_confirmed_and_given_up_when_nobody_answers(void **state)
{
	struct fixture *f = *state;

	send_to(f, 150, 1);
	say_answer(f, mac_near, NEAR4);
	fixture_forget(f);
	later(f, 29.9);
	send_to(f, 150, 2);
	expect_packet(f, 2, mac_near, OUTER4);
	assert_int_equal(fixture_waiting(f, MIX), 0);
	later(f, 0.2);
	send_to(f, 150, 3);
	expect_question(f, NEAR4, mac_near); /* to itself, not to all */
	expect_packet(f, 3, mac_near, OUTER4);
	say_answer(f, mac_near, NEAR4);
	later(f, 29);
	send_to(f, 150, 4);
	expect_packet(f, 4, mac_near, OUTER4);
	assert_int_equal(fixture_waiting(f, MIX), 0);
	/* Now it is silent: asked each second, used on, then forgotten. */
	for (uint16_t i = 0; i < 3; i++) {
		later(f, i == 0 ? 1.1 : 1);
		send_to(f, 150, i);
		expect_question(f, NEAR4, mac_near);
		expect_packet(f, i, mac_near, OUTER4);
	}
	later(f, 1.01);
	send_to(f, 150, 5);
	expect_question(f, NEAR4, mac_all);
	assert_int_equal(f->lc->underlay.n_held, 1);
	later(f, 10);
	fixture_poll(f);
}

static void
announcements_update_entries_at_once_and_make_none(void **state)
{
	struct fixture *f = *state;

	say_arp(f, "before anything", ARP_REQUEST, mac_near, NEAR4, NEAR4, "underlay_input: underlay");
	send_to(f, 150, 1);
	expect_packet(f, 1, mac_near, OUTER4); /* the tables name it, so it has an entry from the start */
	say_arp(f, "it moved", ARP_REQUEST, mac_new, NEAR4, NEAR4, "underlay_input: underlay");
	send_to(f, 150, 2);
	expect_packet(f, 2, mac_new, OUTER4);
	say_arp(f, "it moved, said by a reply", ARP_REPLY, mac_near, NEAR4, NEAR4,
		"underlay_input: underlay");
	send_to(f, 150, 3);
	expect_packet(f, 3, mac_near, OUTER4);
	/* Whoever is no next hop leaves no trace, on the link or off it. */
	for (unsigned int i = 0; i < 300; i++)
		say_arp(f, "a stranger", ARP_REPLY, mac_new, rte_cpu_to_be_32(0x0a620064 + i), HERE4,
			"underlay_input: underlay");
	assert_int_equal(f->plane.neighbours->n, KNOWN_FROM_THE_START);
	assert_int_equal(fixture_waiting(f, MIX), 0);
}

static void
requests_for_our_addresses_are_answered(void **state)
{
	static const rte_be32_t others[] = {NOBODY4, NEAR4, RTE_BE32(0x0a630001)};
	struct fixture *f = *state;
	struct arp_info arp;

	say_arp(f, "who has us", ARP_REQUEST, mac_near, NOBODY4, HERE4, "2 verdicts");
	assert_true(fixture_take(f, MIX, &out));
	assert_memory_equal(out.bytes, mac_near, 6);
	assert_memory_equal(out.bytes + 6, mac_mix, 6);
	assert_true(arp_parse(out.bytes + ETH_HDR_SIZE, out.size - ETH_HDR_SIZE, &arp));
	assert_int_equal(arp.op, ARP_REPLY);
	assert_int_equal(arp.sender, HERE4);
	assert_memory_equal(arp.sender_mac, mac_mix, 6);
	assert_int_equal(arp.target, NOBODY4);
	for (unsigned int i = 0; i < RTE_DIM(others); i++)
		say_arp(f, "who has another", ARP_REQUEST, mac_near, NOBODY4, others[i],
			"underlay_input: underlay");
	say_arp(f, "a probe", ARP_REQUEST, mac_near, 0, HERE4, "2 verdicts");
	assert_true(fixture_take(f, MIX, &out));
	assert_int_equal(f->lc->underlay.originated, 2);
}

static void
another_station_with_our_address_is_ignored_and_counted(void **state)
{
	struct fixture *f = *state;

	say_arp(f, "announces ours", ARP_REQUEST, mac_near, HERE4, HERE4, "underlay_input: addr-conflict");
	say_arp(f, "answers for ours", ARP_REPLY, mac_near, HERE4, NEAR4, "underlay_input: addr-conflict");
	say_arp(f, "our own, come back", ARP_REQUEST, mac_mix, HERE4, NEAR4, "underlay_input: underlay");
	assert_int_equal(fixture_waiting(f, MIX), 0);
}

/* Neighbour discovery from `mac`. */
static void
say_nd(struct fixture *f, const char *what, const void *packet, size_t size, const uint8_t mac[6],
	const char *want)
{
	uint8_t eth[ETH_HDR_SIZE];

	memcpy(in.bytes, packet, size);
	in.size = (uint32_t)size;
	eth_build(eth, mac_mix, mac, ETH_IPV6);
	frame_push(&in, eth, sizeof(eth));
	expect(f, what, MIX, &in, want);
}

/* The checksum of an advertisement after its flags were set. */
static size_t
advertisement(uint8_t packet[ND_SIZE_MAX], const uint8_t mac[6], uint8_t flags)
{
	size_t size = nd_build_announcement(packet, &near6, mac);
	uint16_t sum;

	packet[44] = flags;
	packet[42] = packet[43] = 0;
	sum = nsh_sum_checksum(
		nsh_sum(packet + 40, size - 40) +
		nsh_sum_pseudo6(packet + 8, packet + 24, NSH_IPPROTO_ICMP6, (uint32_t)size - 40));
	memcpy(packet + 42, &sum, sizeof(sum));
	return size;
}

static void
ipv6_next_hops_are_found_by_neighbour_discovery(void **state)
{
	struct fixture *f = *state;
	uint8_t packet[ND_SIZE_MAX];
	const uint8_t group_mac[6] = {0x33, 0x33, 0xff, 0, 0, 0x50};
	struct nd_info nd;

	send_to(f, 152, 1);
	assert_true(fixture_take(f, MIX, &out));
	assert_memory_equal(out.bytes, group_mac, 6);
	assert_int_equal(nd_parse(out.bytes + 14, out.size - 14, out.size - 14, &nd), ND_OK);
	assert_int_equal(nd.type, ND_SOLICITATION);
	assert_true(nsh_addr_equal(&nd.target, &near6));
	assert_true(nsh_addr_equal(&nd.src, &here6));
	assert_true(nd.has_mac);
	say_nd(f, "answer", packet, nd_build_answer(packet, &nd, mac_near), mac_near, "2 verdicts");
	expect_packet(f, 1, mac_near, OUTER6);
	/* Override moves it at once; without, it is asked again (RFC 4861, 7.2.5). */
	say_nd(f, "moved", packet, advertisement(packet, mac_new, ND_OVERRIDE), mac_new,
		"underlay_input: underlay");
	send_to(f, 152, 2);
	expect_packet(f, 2, mac_new, OUTER6);
	say_nd(f, "perhaps", packet, advertisement(packet, mac_near, 0), mac_near,
		"underlay_input: underlay");
	later(f, 1.1);
	send_to(f, 152, 3);
	assert_true(fixture_take(f, MIX, &out)); /* a question, to the MAC that is known */
	assert_memory_equal(out.bytes, mac_new, 6);
	assert_int_equal(nd_parse(out.bytes + 14, out.size - 14, out.size - 14, &nd), ND_OK);
	expect_packet(f, 3, mac_new, OUTER6);
}

static void
solicitations_for_our_addresses_are_answered(void **state)
{
	struct fixture *f = *state;
	union nsh_addr group = nd_solicited_node(&here6), stranger = near6;
	uint8_t packet[ND_SIZE_MAX];
	struct nd_info nd;
	size_t size;

	stranger.bytes[15] = 0x77;
	size = nd_build_solicitation(packet, &stranger, &group, &here6, mac_near);
	say_nd(f, "who has us", packet, size, mac_near, "2 verdicts");
	assert_true(fixture_take(f, MIX, &out));
	assert_memory_equal(out.bytes, mac_near, 6);
	assert_int_equal(nd_parse(out.bytes + 14, out.size - 14, out.size - 14, &nd), ND_OK);
	assert_int_equal(nd.type, ND_ADVERTISEMENT);
	assert_true(nd.flags & ND_SOLICITED && nd.flags & ND_OVERRIDE);
	assert_memory_equal(nd.mac, mac_mix, 6);
	assert_int_equal(f->plane.neighbours->n, KNOWN_FROM_THE_START); /* the stranger left no trace */

	size = nd_build_solicitation(packet, &stranger, &group, &stranger, mac_near);
	say_nd(f, "who has another", packet, size, mac_near, "underlay_input: underlay");
	packet[41] = 1; /* code */
	say_nd(f, "not valid", packet, size, mac_near, "underlay_input: outer-header");

	/* A claim by who asks is used, and confirmed when used (RFC 4861, 7.2.3). */
	size = nd_build_solicitation(packet, &near6, &group, &here6, mac_near);
	say_nd(f, "a next hop asks", packet, size, mac_near, "2 verdicts");
	fixture_forget(f);
	send_to(f, 152, 3);
	assert_true(fixture_take(f, MIX, &out));
	expect_packet(f, 3, mac_near, OUTER6);

	size = nd_build_announcement(packet, &here6, mac_near);
	say_nd(f, "claims ours", packet, size, mac_near, "underlay_input: addr-conflict");
}

static void
echo_requests_to_our_addresses_are_answered_at_a_limited_rate(void **state)
{
	struct fixture *f = *state;
	struct nsh_ipv4_hdr ip = {.version_ihl = 0x45,
		.total_size = RTE_BE16(20 + 8 + 56),
		.ttl = 1,
		.protocol = NSH_IPPROTO_ICMP,
		.src = NOBODY4,
		.dst = HERE4};
	struct icmp_hdr icmp = {.type = ICMP4_ECHO, .rest = 0x1234};
	uint8_t eth[ETH_HDR_SIZE];
	unsigned int answers = 0;

	eth_build(eth, mac_mix, mac_near, ETH_IPV4);
	for (unsigned int i = 0; i < SFF_ICMP_PER_SECOND + 50; i++) {
		in.size = 56;
		memset(in.bytes, 0x5a, in.size);
		frame_push(&in, &icmp, sizeof(icmp));
		icmp.checksum = 0;
		memcpy(in.bytes, &icmp, sizeof(icmp));
		((struct icmp_hdr *)in.bytes)->checksum = (uint16_t)~nsh_sum(in.bytes, in.size);
		frame_push(&in, &ip, sizeof(ip));
		frame_fix_ip(&in, 0);
		frame_push(&in, eth, sizeof(eth));
		fixture_put(f, MIX, &in);
		fixture_run(f);
		if (!fixture_take(f, MIX, &out))
			continue;
		answers++;
		assert_int_equal(out.size, in.size);
		assert_memory_equal(out.bytes, mac_near, 6);
		assert_int_equal(out.bytes[34], ICMP4_ECHO_REPLY);
		assert_memory_equal(out.bytes + 42, in.bytes + 42, 56);
	}
	assert_int_equal(answers, SFF_ICMP_PER_SECOND);
	assert_int_equal(dropped(f, SFC_DROP_UNDERLAY), SFF_ICMP_PER_SECOND + 50);
	later(f, 1);
	expect(f, "in the next second", MIX, &in, "2 verdicts");
	fixture_forget(f);
	in.bytes[34] = ICMP4_UNREACHABLE;
	expect(f, "an error", MIX, &in, "underlay_input: underlay");
	in.bytes[33] ^= 1;
	expect(f, "to another", MIX, &in, "underlay_input: not-nsh");
	/* Tags: our addresses are on the untagged link. */
	in.bytes[33] ^= 1;
	in.bytes[12] = 0x81;
	expect(f, "tagged", MIX, &in, "underlay_input: not-nsh");
}

static void
a_replay_asks_nobody(void **state)
{
	struct fixture *f = *state;

	f->lc->captures = (struct pmd_captures *)f; /* only asked whether it is there */
	frame_udp(&in, 1, 5000, 20);
	frame_md1(&in, 150, 254, 63, NSH_NP_ETHERNET);
	frame_gpe(&in, 50000);
	expect(f, "not known", CORE, &in, "remote_output: no-neighbour");
	assert_int_equal(f->lc->underlay.originated, 0);
	/* An answer in the capture is as good as any. */
	say_answer(f, mac_near, NEAR4);
	send_to(f, 150, 4);
	expect_packet(f, 4, mac_near, OUTER4);
	later(f, 100);
	send_to(f, 150, 5);
	expect_packet(f, 5, mac_near, OUTER4);
	assert_int_equal(f->lc->underlay.originated, 0);
	f->lc->captures = NULL;
}

/* N17 and RFC 1191: what does not fit is dropped, and its sender told the size that does. */
static void
m3_senders_of_packets_too_big_are_told_what_fits(void **state)
{
	struct fixture *f = *state;
	uint16_t mtu;

	f->fake[CORE].pmd.ip_mtu = 1500;
	sff_plane_set_room(&f->plane);
	frame_udp(&in, 1, 1103, 1500 - 36 - 24 - 42);
	expect(f, "fits", LAN, &in, "to core");
	frame_udp(&in, 1, 1103, 1500 - 36 - 24 - 41);
	expect(f, "one byte more, no DF", LAN, &in, "remote_output: mtu");
	assert_int_equal(f->lc->underlay.originated, 0);
	in.bytes[ETH_HDR_SIZE + 6] = 0x40;
	frame_fix_ip(&in, ETH_HDR_SIZE);
	expect(f, "one byte more, DF", LAN, &in, "2 verdicts");
	assert_true(fixture_take(f, LAN, &out));
	assert_int_equal(f->lc->underlay.originated, 1);
	assert_memory_equal(out.bytes, in.bytes + 6, 6);
	assert_int_equal(out.bytes[ETH_HDR_SIZE + 9], NSH_IPPROTO_ICMP);
	assert_memory_equal(out.bytes + ETH_HDR_SIZE + 12, in.bytes + ETH_HDR_SIZE + 16, 4); /* as a bridge */
	assert_memory_equal(out.bytes + ETH_HDR_SIZE + 16, in.bytes + ETH_HDR_SIZE + 12, 4);
	assert_int_equal(out.bytes[34] << 8 | out.bytes[35], ICMP4_UNREACHABLE << 8 | 4);
	mtu = (uint16_t)(out.bytes[40] << 8 | out.bytes[41]);
	assert_int_equal(mtu, 1500 - 36 - 24 - 14);
	assert_int_equal(nsh_sum(out.bytes + 34, out.size - 34), 0xffff);
	/* What it says fits does fit. */
	frame_udp(&in, 1, 1103, (uint32_t)mtu - 28);
	expect(f, "as told", LAN, &in, "to core");
	/* A frame of another node's sender is only counted. */
	frame_udp(&in, 1, 5000, 1470);
	in.bytes[ETH_HDR_SIZE + 6] = 0x40;
	frame_fix_ip(&in, ETH_HDR_SIZE);
	frame_md1(&in, 105, 254, 63, NSH_NP_ETHERNET);
	frame_gpe(&in, 50000);
	expect(f, "transit", CORE, &in, "remote_output: mtu");
	/* So is what comes back from an SF, where one port leads into the path. */
	frame_udp(&in, 1, 1105, 1450);
	in.bytes[ETH_HDR_SIZE + 6] = 0x40;
	frame_fix_ip(&in, ETH_HDR_SIZE);
	expect(f, "to the SF first", LAN, &in, "to fw-1");
	fixture_forget(f);
	assert_int_equal(f->plane.ingress[5], LAN);
}

int
stages_underlay(void)
{
	const struct CMUnitTest tests[] = {
		UNDERLAY_TEST(frames_wait_for_the_next_hop_and_leave_in_order),
		UNDERLAY_TEST(an_answer_and_a_frame_in_one_burst_do_not_overtake),
		UNDERLAY_TEST(a_silent_next_hop_is_asked_three_times_and_its_frames_dropped),
		UNDERLAY_TEST(what_is_held_is_bounded_per_neighbour_and_in_all),
		UNDERLAY_TEST(what_is_off_the_link_goes_to_the_gateway),
		UNDERLAY_TEST(an_old_mac_is_used_and_confirmed_and_given_up_when_nobody_answers),
		UNDERLAY_TEST(announcements_update_entries_at_once_and_make_none),
		UNDERLAY_TEST(requests_for_our_addresses_are_answered),
		UNDERLAY_TEST(another_station_with_our_address_is_ignored_and_counted),
		UNDERLAY_TEST(ipv6_next_hops_are_found_by_neighbour_discovery),
		UNDERLAY_TEST(solicitations_for_our_addresses_are_answered),
		UNDERLAY_TEST(echo_requests_to_our_addresses_are_answered_at_a_limited_rate),
		UNDERLAY_TEST(a_replay_asks_nobody),
		UNDERLAY_TEST(m3_senders_of_packets_too_big_are_told_what_fits),
	};

	return cmocka_run_group_tests_name("underlay", tests, NULL, NULL);
}
