/* Mirrors: the copies are the frames that passed the tap, all of them, byte for byte and in order; and
 * nothing about the frames changes because they are copied. */
#include "stages.h"

#include "sff_mirror.h"

#include "arp.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <unistd.h>

#define FRAMES_MAX 512

static struct frame in, out;

/* What passed somewhere, kept for comparison. */
struct stream {
	unsigned int n;
	struct frame *frame[FRAMES_MAX];
	uint64_t stamp[FRAMES_MAX];
};

static void
stream_add(struct stream *s, const struct frame *frame, uint64_t stamp)
{
	size_t size = offsetof(struct frame, bytes) + frame->size;

	assert_true(s->n < FRAMES_MAX);
	s->frame[s->n] = malloc(size);
	assert_non_null(s->frame[s->n]);
	memcpy(s->frame[s->n], frame, size);
	s->stamp[s->n++] = stamp;
}

static void
stream_free(struct stream *s)
{
	while (s->n > 0)
		free(s->frame[--s->n]);
}

/* All that a port got. */
static void
stream_take(struct stream *s, struct fixture *f, enum fixture_port_index port)
{
	uint64_t stamp;

	while (fixture_take_stamped(f, port, &out, &stamp))
		stream_add(s, &out, stamp);
}

static void
assert_streams_equal(const struct stream *a, const struct stream *b)
{
	assert_int_equal(a->n, b->n);
	for (unsigned int i = 0; i < a->n; i++)
		assert_frame_equal(a->frame[i], b->frame[i]);
}

static struct sfc_mirror
port_mirror(enum fixture_port_index from, enum sfc_direction direction, enum fixture_port_index to)
{
	return (struct sfc_mirror){.name = (char[]){"m"},
		.from_port = (int)from,
		.from_path = -1,
		.direction = direction,
		.to_port = (int)to};
}

static struct sfc_mirror
hop_mirror(const char *path, unsigned int hop, enum sfc_direction direction, enum fixture_port_index to)
{
	struct sfc_mirror m = port_mirror(LAN, direction, to);

	m.from_port = -1;
	m.from_path = fixture_path(path);
	m.from_hop = hop;
	return m;
}

static struct fixture *
open_mirrors(enum sff_feed feed, struct pmd_captures *captures, struct sfc_mirror *mirror, unsigned int n)
{
	return fixture_open(&(struct fixture_conf){
		.feed = feed,
		.lockstep = 64,
		.stamps = captures != NULL,
		.mirror = mirror,
		.n_mirrors = n,
		.captures = captures,
	});
}

static struct fixture *
open_live(struct sfc_mirror *mirror, unsigned int n)
{
	return open_mirrors(SFF_FEED_LIVE, NULL, mirror, n);
}

static struct pmd_captures *
captures(void)
{
	struct pmd_captures *set;
	char err[256] = "";

	fixture_path("web"); /* EAL and the rest of the world */
	assert_int_equal(
		pmd_captures_create(&(struct pmd_captures_conf){.loops = 1}, &set, err, sizeof(err)), 0);
	return set;
}

/* Frames for every kind of way through the node, and some that are dropped. */
static const uint16_t kinds[] = {1100, 9999, 1102, 1107, 53, 1103, 1110, 1108};

static void
put_some(struct fixture *f, uint16_t from, uint16_t to)
{
	for (uint16_t i = from; i < to; i++) {
		frame_udp(&in, i, kinds[i % RTE_DIM(kinds)], i);
		fixture_put(f, LAN, &in);
	}
	frame_transport(&in, 100, 254, 5);
	fixture_put(f, CORE, &in);
	frame_udp_back(&in, 1100, from, 30);
	fixture_put(f, WAN, &in);
	in.size = 9;
	fixture_put(f, LAN, &in);
}

/* Everything every port but LONE got, one stream after the other. SFs serve. */
static void
traffic(struct fixture *f, struct stream *got)
{
	for (uint16_t round = 0; round < 4; round++) {
		put_some(f, (uint16_t)(round * 24), (uint16_t)(round * 24 + 24));
		fixture_settle(f);
		for (enum fixture_port_index p = LAN; p <= CORE; p++)
			stream_take(got, f, p);
	}
}

static void
a_port_is_copied_as_it_receives(void **state)
{
	struct sfc_mirror m = port_mirror(LAN, SFC_DIRECTION_IN, LONE);
	struct fixture *f = open_live(&m, 1);
	struct stream want = {0}, got = {0};

	(void)state;
	for (uint16_t i = 0; i < 100; i++) {
		frame_udp(&in, i, kinds[i % RTE_DIM(kinds)], i);
		if (i == 50) /* no frame at all, but received */
			in.size = 3;
		stream_add(&want, &in, 0);
		fixture_put(f, LAN, &in);
		fixture_put(f, WAN, &in); /* another port's is not copied */
	}
	fixture_settle(f);
	stream_take(&got, f, LONE);
	assert_streams_equal(&got, &want);
	assert_int_equal(f->lc->replicated, 100);
	assert_int_equal(f->lc->dropped[SFC_DROP_MIRROR_FULL], 0);
	stream_free(&want);
	stream_free(&got);
	fixture_close(f);
}

static void
a_port_is_copied_as_it_sends(void **state)
{
	struct sfc_mirror m[] = {
		port_mirror(WAN, SFC_DIRECTION_OUT, LONE), port_mirror(CORE, SFC_DIRECTION_OUT, LAN)};
	struct fixture *f = open_live(m, RTE_DIM(m));
	struct stream wan = {0}, core = {0}, to_lone = {0}, to_lan = {0};

	(void)state;
	for (uint16_t round = 0; round < 3; round++) {
		for (uint16_t i = 0; i < 24; i++) {
			frame_udp(&in, i, kinds[i % RTE_DIM(kinds)], i);
			fixture_put(f, LAN, &in);
		}
		fixture_settle(f);
		stream_take(&wan, f, WAN);
		stream_take(&core, f, CORE);
		stream_take(&to_lone, f, LONE);
		stream_take(&to_lan, f, LAN);
	}
	assert_true(wan.n > 30 && core.n == 9);
	assert_streams_equal(&to_lone, &wan);
	assert_streams_equal(&to_lan, &core);
	stream_free(&wan);
	stream_free(&core);
	stream_free(&to_lone);
	stream_free(&to_lan);
	fixture_close(f);
}

static void
what_a_port_does_not_take_is_not_copied(void **state)
{
	struct sfc_mirror m = port_mirror(WAN, SFC_DIRECTION_OUT, LONE);
	struct fixture *f = open_live(&m, 1);
	struct stream want = {0}, got = {0};

	(void)state;
	f->fake[WAN].room = 7;
	for (uint16_t i = 0; i < 10; i++) {
		frame_udp(&in, i, 9999, 10);
		fixture_put(f, LAN, &in);
	}
	fixture_run(f);
	stream_take(&want, f, WAN);
	stream_take(&got, f, LONE);
	assert_int_equal(want.n, 7);
	assert_streams_equal(&got, &want);
	assert_int_equal(f->lc->dropped[SFC_DROP_TX_FULL], 3);
	assert_int_equal(f->lc->replicated, 7);
	stream_free(&want);
	stream_free(&got);
	fixture_close(f);
}

/* The firewall serves hops 1 and 3 of `long` and hop 1 of `web`: only one of them is asked for. */
static void
a_hop_is_copied_where_its_instance_gets_and_gives(void **state)
{
	static struct frame frame;
	struct sfc_mirror m[] = {hop_mirror("long", 3, SFC_DIRECTION_IN, LONE),
		hop_mirror("long", 3, SFC_DIRECTION_OUT, CORE),
		hop_mirror("web", 1, SFC_DIRECTION_BOTH, LAN)};
	struct fixture *f = open_live(m, RTE_DIM(m));
	struct stream given = {0}, back = {0}, got = {0}, web = {0}, web_got = {0};
	unsigned int work;

	(void)state;
	for (uint16_t i = 0; i < 40; i++) {
		frame_udp(&in, i, i % 2 ? 1100 : 1107, i);
		fixture_put(f, LAN, &in);
	}
	do {
		work = fixture_run(f);
		for (enum fixture_port_index p = IDS_1; p <= IDS_3; p++)
			work += fixture_serve(f, p);
		for (; fixture_take(f, FW_1, &frame); work++) {
			const struct nsh_hdr *nsh = (const struct nsh_hdr *)(frame.bytes + ETH_HDR_SIZE);
			bool third = nsh_spi(nsh) == 107 && nsh_si(nsh) == 253, is_web = nsh_spi(nsh) == 100;

			if (third)
				stream_add(&given, &frame, 0);
			if (is_web)
				stream_add(&web, &frame, 0);
			nsh_si_dec((struct nsh_hdr *)(frame.bytes + ETH_HDR_SIZE));
			frame_pull(&frame, ETH_HDR_SIZE);
			fixture_wrap_sf(f, FW_1, &frame);
			if (third)
				stream_add(&back, &frame, 0);
			if (is_web)
				stream_add(&web, &frame, 0);
			fixture_put(f, FW_1, &frame);
		}
	} while (work > 0);
	assert_int_equal(given.n, 20);
	stream_take(&got, f, LONE);
	assert_streams_equal(&got, &given);
	stream_free(&got);
	stream_take(&got, f, CORE);
	assert_streams_equal(&got, &back);
	/* Both directions: all that the instance got, then all that it gave back. */
	stream_take(&web_got, f, LAN);
	assert_int_equal(web_got.n, web.n);
	for (unsigned int i = 0; i < 20; i++) {
		assert_frame_equal(web_got.frame[i], web.frame[2 * i]);
		assert_frame_equal(web_got.frame[20 + i], web.frame[2 * i + 1]);
	}
	stream_free(&given);
	stream_free(&back);
	stream_free(&got);
	stream_free(&web);
	stream_free(&web_got);
	fixture_close(f);
}

/* Send it back where it came from, as a host does. */
static void
turn(struct frame *frame)
{
	uint8_t mac[ETH_MAC_SIZE];

	memcpy(mac, frame->bytes, ETH_MAC_SIZE);
	memcpy(frame->bytes, frame->bytes + ETH_MAC_SIZE, ETH_MAC_SIZE);
	memcpy(frame->bytes + ETH_MAC_SIZE, mac, ETH_MAC_SIZE);
}

/* An ARP request from there. */
static void
ask_who_has(struct frame *frame, uint32_t address)
{
	static const uint8_t all[ETH_MAC_SIZE] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

	frame->size = ETH_HDR_SIZE + ARP_SIZE;
	eth_build(frame->bytes, all, mac_there, ETH_ARP);
	arp_build_request(frame->bytes + ETH_HDR_SIZE, mac_there, rte_cpu_to_be_32(ADDRESS_THERE),
		rte_cpu_to_be_32(address));
}

/* Every style of proxy, and instances behind a port: with their tags, and without NSH where they know none.
 */
static void
a_hop_is_copied_as_its_instance_sees_it(void **state)
{
	static const struct {
		const char *path;
		uint16_t spi;
		enum fixture_port_index via;
		uint16_t nsh_at; /* 0 = the instance does not know NSH */
	} rows[] = {
		{"stat", 200, STAT_1, 0},
		{"flow", 201, FLOW_1, 0},
		{"tag", 203, TAG_1, 0},
		{"addr", 205, ADDR_1, 0},
		{"box", 210, CORE, ETH_HDR_SIZE + 2 * ETH_TAG_SIZE},
		{"wire", 211, CORE, 0},
		{"wire-tag", 212, CORE, 0},
	};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		static struct frame given, back;
		struct sfc_mirror m = hop_mirror(rows[i].path, 1, SFC_DIRECTION_BOTH, LONE);
		struct fixture *f = open_live(&m, 1);

		frame_udp(&in, 7, (uint16_t)(1000 + rows[i].spi), 40);
		fixture_put(f, LAN, &in);
		fixture_run(f);
		assert_true(fixture_take(f, rows[i].via, &given));
		assert_true(fixture_take(f, LONE, &out));
		assert_frame_equal(&out, &given);
		back = given;
		if (rows[i].nsh_at != 0)
			assert_true(nsh_si_dec((struct nsh_hdr *)(back.bytes + rows[i].nsh_at)));
		if (rows[i].via == CORE)
			turn(&back);
		fixture_put(f, rows[i].via, &back);
		fixture_run(f);
		assert_int_equal(fixture_waiting(f, WAN) + fixture_waiting(f, FW_1), 1);
		assert_true(fixture_take(f, LONE, &out));
		assert_frame_equal(&out, &back);

		/* What else goes through the same port is not the hop's: to another node, from one, and
		 * garbage. */
		frame_udp(&in, 8, 1103, 40);
		fixture_put(f, LAN, &in);
		frame_transport(&in, 103, 254, 60);
		fixture_put(f, CORE, &in);
		ask_who_has(&in, ADDRESS_HERE);
		fixture_put(f, CORE, &in);
		back.bytes[back.size - 1] ^= 1;
		back.bytes[6] ^= 4; /* not the instance's address */
		fixture_put(f, CORE, &back);
		fixture_run(f);
		assert_int_equal(fixture_waiting(f, CORE),
			2); /* the answer among them, with the mark of the question */
		assert_int_equal(fixture_waiting(f, LONE), 0);
		assert_int_equal(f->lc->replicated, 2);
		fixture_close(f);
	}
}

/* Three instances stand for one hop: all are tapped. */
static void
a_hop_is_all_its_instances(void **state)
{
	struct sfc_mirror m = hop_mirror("spread", 1, SFC_DIRECTION_IN, LONE);
	struct fixture *f = open_live(&m, 1);

	(void)state;
	for (uint16_t i = 0; i < 90; i++) {
		frame_udp(&in, i, 1102, 20);
		fixture_put(f, LAN, &in);
	}
	fixture_run(f);
	for (enum fixture_port_index p = IDS_1; p <= IDS_3; p++)
		assert_true(fixture_waiting(f, p) > 0);
	assert_int_equal(fixture_waiting(f, LONE), 90);
	fixture_close(f);
}

static void
a_frame_that_no_hop_sent_is_no_hops(void **state)
{
	struct sfc_mirror m = hop_mirror("web", 1, SFC_DIRECTION_OUT, LONE);
	struct fixture *f = open_live(&m, 1);
	uint16_t size;

	(void)state;
	frame_udp(&in, 1, 2, 10);
	frame_md1(&in, 100, 253, 62, NSH_NP_ETHERNET); /* SI of no position of the firewall's */
	fixture_wrap_sf(f, FW_1, &in);
	expect(f, "wrong SI", FW_1, &in, "sf_input: sf-index");
	frame_udp(&in, 1, 2, 10);
	frame_md1(&in, 100, 254, 62, NSH_NP_ETHERNET);
	fixture_wrap_sf(f, IDS_1, &in);
	expect(f, "another function's", IDS_1, &in, "sf_input: sf-reclassify");
	for (size = 1; size < ETH_HDR_SIZE + NSH_BASE_SIZE; size++) {
		frame_udp(&in, 1, 2, 10);
		frame_md1(&in, 100, 254, 62, NSH_NP_ETHERNET);
		fixture_wrap_sf(f, FW_1, &in);
		in.size = size;
		fixture_put(f, FW_1, &in);
		fixture_run(f);
	}
	assert_int_equal(f->lc->replicated, 0);
	frame_udp(&in, 1, 2, 10);
	frame_md1(&in, 100, 254, 62, NSH_NP_ETHERNET);
	fixture_wrap_sf(f, FW_1, &in);
	fixture_put(f, FW_1, &in);
	fixture_run(f);
	assert_int_equal(f->lc->replicated, 1);
	assert_true(fixture_take(f, LONE, &out));
	assert_frame_equal(&out, &in);
	fixture_close(f);
}

static void
a_filter_selects_what_is_copied(void **state)
{
	struct sfc_mirror m[] = {
		port_mirror(LAN, SFC_DIRECTION_IN, LONE), hop_mirror("web", 1, SFC_DIRECTION_IN, LONE)};
	static const uint16_t cut[] = {20, 40, 40, 900};
	struct stream want = {0}, got = {0};
	struct fixture *f;

	(void)state;
	m[0].filter = (char[]){"udp dst port 53 or ether[1200] == 0x77"};
	m[1].filter = (char[]){"ether proto 0x894f and ether[18:4] == 0x000064ff and greater 200"};
	f = open_live(m, RTE_DIM(m));
	for (uint16_t i = 0; i < 40; i++) {
		frame_udp(&in, i, i % 3 ? 9999 : 53, i);
		if (i % 3 == 0)
			stream_add(&want, &in, 0);
		fixture_put(f, LAN, &in);
	}
	/* Far behind the headers, in another segment. */
	frame_udp(&in, 1, 9999, 1400);
	in.bytes[1200] = 0x77;
	stream_add(&want, &in, 0);
	fixture_put_split(f, LAN, &in, cut, RTE_DIM(cut));
	in.bytes[1200] = 0x78;
	fixture_put_split(f, LAN, &in, cut, RTE_DIM(cut));
	fixture_run(f);
	stream_take(&got, f, LONE);
	assert_streams_equal(&got, &want);
	fixture_forget(f);

	stream_free(&got);
	frame_udp(&in, 1, 1100, 10);
	fixture_put(f, LAN, &in);
	frame_udp(&in, 1, 1100, 300);
	fixture_put(f, LAN, &in);
	fixture_run(f);
	stream_take(&got, f, LONE);
	assert_int_equal(got.n, 1);
	assert_true(got.frame[0]->size > 300);
	stream_free(&got);
	stream_free(&want);
	fixture_close(f);
}

static void
a_filter_that_is_none_is_refused(void **state)
{
	struct sfc_mirror m = port_mirror(LAN, SFC_DIRECTION_IN, LONE);
	char err[256] = "";

	(void)state;
	assert_int_equal(sff_mirror_check(&m, err, sizeof(err)), 0);
	m.filter = (char[]){"tcp port 80 and ip6"};
	assert_int_equal(sff_mirror_check(&m, err, sizeof(err)), 0);
	m.filter = (char[]){"port port"};
	assert_int_equal(sff_mirror_check(&m, err, sizeof(err)), -EINVAL);
	assert_non_null(strstr(err, "syntax error"));
}

/* Traffic with and without mirrors of everything, and of everything to a port that takes nothing. */
static void
nothing_changes_for_the_frames(void **state)
{
	struct sfc_mirror m[] = {
		port_mirror(LAN, SFC_DIRECTION_BOTH, LONE),
		port_mirror(WAN, SFC_DIRECTION_BOTH, LONE),
		port_mirror(CORE, SFC_DIRECTION_BOTH, LONE),
		hop_mirror("web", 1, SFC_DIRECTION_BOTH, LONE),
		hop_mirror("long", 1, SFC_DIRECTION_BOTH, LONE),
		hop_mirror("long", 2, SFC_DIRECTION_BOTH, LONE),
		hop_mirror("soft", 1, SFC_DIRECTION_BOTH, LONE),
	};
	struct fixture *f = open_live(NULL, 0);
	struct stream plain = {0}, copied = {0}, starved = {0};
	uint64_t dropped[SFC_DROP_MAX];

	(void)state;
	traffic(f, &plain);
	memcpy(dropped, f->lc->dropped, sizeof(dropped));
	fixture_close(f);
	assert_true(plain.n > 60);

	f = open_live(m, RTE_DIM(m));
	traffic(f, &copied);
	assert_streams_equal(&copied, &plain);
	assert_memory_equal(f->lc->dropped, dropped, sizeof(dropped));
	assert_int_equal(f->lc->replicated, fixture_waiting(f, LONE));
	assert_true(f->lc->replicated > 250);
	fixture_close(f);

	f = open_live(m, RTE_DIM(m));
	f->fake[LONE].room = 0;
	traffic(f, &starved);
	assert_streams_equal(&starved, &plain);
	assert_int_equal(f->lc->dropped[SFC_DROP_MIRROR_FULL], f->lc->replicated);
	f->lc->dropped[SFC_DROP_MIRROR_FULL] = 0;
	assert_memory_equal(f->lc->dropped, dropped, sizeof(dropped));
	f->lc->dropped[SFC_DROP_MIRROR_FULL] = f->lc->replicated;
	fixture_close(f);
	stream_free(&plain);
	stream_free(&copied);
	stream_free(&starved);
}

/* A destination that keeps what it got holds the buffers of copies, not those of frames. */
static void
copies_run_out_of_buffers_of_their_own(void **state)
{
	struct sfc_mirror m = port_mirror(LAN, SFC_DIRECTION_IN, LONE);
	struct fixture *f = open_live(&m, 1);
	unsigned int copies;

	(void)state;
	for (uint16_t i = 0; i < 200; i++) {
		frame_udp(&in, i, 9999, 60000);
		fixture_put(f, LAN, &in);
		fixture_run(f);
		assert_true(fixture_take(f, WAN, &out));
		assert_frame_equal(&out, &in);
	}
	copies = fixture_waiting(f, LONE);
	assert_true(copies > 50 && copies < 200);
	assert_int_equal(f->lc->replicated, 200);
	assert_int_equal(f->lc->dropped[SFC_DROP_MIRROR_FULL], 200 - copies);
	/* They come back. */
	fixture_forget(f);
	fixture_put(f, LAN, &in);
	fixture_run(f);
	assert_int_equal(fixture_waiting(f, LONE), 1);
	fixture_close(f);
}

static void
a_copy_too_large_for_its_port_is_dropped(void **state)
{
	struct sfc_mirror m = port_mirror(LAN, SFC_DIRECTION_IN, LONE);
	struct fixture *f = open_live(&m, 1);

	(void)state;
	f->fake[LONE].pmd.mtu = 100;
	for (uint16_t i = 0; i < 2; i++) {
		frame_udp(&in, i, 9999, i ? 500 : 10);
		fixture_put(f, LAN, &in);
	}
	fixture_run(f);
	assert_int_equal(fixture_waiting(f, WAN), 2);
	assert_int_equal(fixture_waiting(f, LONE), 1);
	assert_int_equal(f->lc->dropped[SFC_DROP_MIRROR_FULL], 1);
	fixture_close(f);
}

/* A mirror to a port that frames go to as well: they come first. */
static void
frames_of_its_own_go_before_copies(void **state)
{
	struct sfc_mirror m = port_mirror(LAN, SFC_DIRECTION_IN, WAN);
	struct fixture *f = open_live(&m, 1);

	(void)state;
	f->fake[WAN].room = 15;
	for (uint16_t i = 0; i < 10; i++) {
		frame_udp(&in, i, 9999, 10);
		fixture_put(f, LAN, &in);
	}
	fixture_run(f);
	assert_int_equal(fixture_waiting(f, WAN), 15);
	assert_int_equal(f->lc->dropped[SFC_DROP_TX_FULL], 0);
	assert_int_equal(f->lc->dropped[SFC_DROP_MIRROR_FULL], 5);
	fixture_forget(f);
	/* Not even what becomes free meanwhile. */
	f->fake[WAN].room = 4;
	for (uint16_t i = 0; i < 10; i++)
		fixture_put(f, LAN, &in);
	fixture_run(f);
	assert_int_equal(f->lc->dropped[SFC_DROP_TX_FULL], 6);
	assert_int_equal(f->lc->dropped[SFC_DROP_MIRROR_FULL], 15);
	fixture_close(f);
}

/* What waits for a ring is copied once, when the ring takes it; a copy carries the stamp of its frame. */
static void
a_replay_copies_everything_once(void **state)
{
	struct sfc_mirror m = hop_mirror("web", 1, SFC_DIRECTION_IN, LONE);
	struct pmd_captures *set = captures();
	struct fixture *f = open_mirrors(SFF_FEED_LOSSLESS, set, &m, 1);
	struct stream want = {0}, got = {0};

	(void)state;
	f->stamp = 5000;
	for (uint16_t i = 0; i < 100; i++) {
		frame_udp(&in, i, 1100, 10);
		fixture_put(f, LAN, &in);
	}
	for (unsigned int pass = 0; want.n < 100; pass++) {
		f->fake[FW_1].room = (uint16_t)(pass % 4 * 5);
		fixture_poll(f);
		stream_take(&want, f, FW_1);
		stream_take(&got, f, LONE);
		assert_int_equal(got.n, want.n);
	}
	assert_streams_equal(&got, &want);
	for (unsigned int i = 0; i < 100; i++)
		assert_int_equal(got.stamp[i], 5000 + i);
	stream_free(&want);
	stream_free(&got);
	fixture_close(f);
	pmd_captures_destroy(set);
}

/* A replay loses no copy for want of buffers: destinations are emptied first. */
static void
a_replay_copies_more_than_it_has_buffers_for(void **state)
{
	struct sfc_mirror m[] = {
		port_mirror(LAN, SFC_DIRECTION_IN, LONE), port_mirror(LAN, SFC_DIRECTION_IN, CORE)};
	struct pmd_captures *set = captures();
	struct fixture *f;

	(void)state;
	m[0].to_port = m[1].to_port = -1;
	m[0].to_file = (char[]){"/dev/null"};
	m[1].to_file = (char[]){"/dev/null"};
	f = open_mirrors(SFF_FEED_LOSSLESS, set, m, RTE_DIM(m));
	for (uint16_t round = 0; round < 5; round++) {
		for (uint16_t i = 0; i < 60; i++) {
			frame_udp(&in, i, 9999, 60000);
			fixture_put(f, LAN, &in);
		}
		fixture_run(f);
		fixture_forget(f);
	}
	assert_int_equal(f->lc->replicated, 600);
	assert_int_equal(f->lc->dropped[SFC_DROP_MIRROR_FULL], 0);
	fixture_close(f);
	pmd_captures_destroy(set);
}

/* Two runs in which SFs are served in different order write the same. */
static void
copies_of_a_step_are_in_input_order(void **state)
{
	struct sfc_mirror m[] = {
		port_mirror(LAN, SFC_DIRECTION_IN, LONE),
		hop_mirror("spread", 1, SFC_DIRECTION_BOTH, LONE),
		port_mirror(WAN, SFC_DIRECTION_OUT, LONE),
	};
	struct stream got[2] = {0};

	(void)state;
	for (unsigned int run = 0; run < 2; run++) {
		struct pmd_captures *set = captures();
		struct fixture *f = open_mirrors(SFF_FEED_LOCKSTEP, set, m, RTE_DIM(m));

		for (uint16_t i = 0; i < 100; i++) {
			frame_udp(&in, i, i % 4 ? 1102 : 9999, i);
			fixture_put(f, LAN, &in);
		}
		while (fixture_waiting(f, WAN) < 100) {
			unsigned int n = 0;

			fixture_run(f);
			if (run == 0)
				for (enum fixture_port_index p = IDS_1; p <= IDS_3 && n == 0; p++)
					n = fixture_serve(f, p);
			else
				for (enum fixture_port_index p = IDS_3; p >= IDS_1 && n == 0; p--)
					n = fixture_serve(f, p);
		}
		stream_take(&got[run], f, LONE);
		assert_int_equal(got[run].n, 100 + 2 * 75 + 100);
		for (unsigned int i = 1; i < got[run].n; i++)
			assert_true(got[run].stamp[i - 1] <= got[run].stamp[i]);
		fixture_close(f);
		pmd_captures_destroy(set);
	}
	assert_streams_equal(&got[0], &got[1]);
	stream_free(&got[0]);
	stream_free(&got[1]);
}

static void
read_file(const char *path, struct stream *s)
{
	char err[PCAP_ERRBUF_SIZE];
	pcap_t *pcap = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, err);
	struct pcap_pkthdr *head;
	const u_char *bytes;

	assert_non_null(pcap);
	while (pcap_next_ex(pcap, &head, &bytes) == 1) {
		out.size = head->caplen;
		memcpy(out.bytes, bytes, out.size);
		stream_add(s, &out, (uint64_t)head->ts.tv_sec * 1000000000u + (uint64_t)head->ts.tv_usec);
	}
	pcap_close(pcap);
}

static char *
temporary(char *path)
{
	int fd = mkstemps(path, (int)strlen(strchr(path, '.')));

	assert_true(fd >= 0);
	close(fd);
	return path;
}

/* Two mirrors may share a file. */
static void
a_replay_writes_copies_to_a_file(void **state)
{
	char path[] = "/tmp/sluice-mirror-XXXXXX.pcap";
	struct sfc_mirror m[] = {
		port_mirror(LAN, SFC_DIRECTION_IN, LONE), port_mirror(WAN, SFC_DIRECTION_IN, LONE)};
	struct pmd_captures *set = captures();
	struct stream want = {0}, got = {0};
	struct fixture *f;

	(void)state;
	m[0].to_port = m[1].to_port = -1;
	m[0].to_file = m[1].to_file = temporary(path);
	f = open_mirrors(SFF_FEED_LOSSLESS, set, m, RTE_DIM(m));
	assert_int_equal(f->plane.mirrors->n_sinks, 1);
	f->stamp = 7000;
	for (uint16_t i = 0; i < 60; i++) {
		frame_udp(&in, i, 9999, i);
		stream_add(&want, &in, 7000u + i);
		fixture_put(f, i % 2 ? LAN : WAN, &in);
		fixture_poll(f);
	}
	fixture_run(f);
	assert_int_equal(sff_mirror_store_flush(f->mirrors), 0);
	read_file(path, &got);
	assert_streams_equal(&got, &want);
	assert_memory_equal(got.stamp, want.stamp, want.n * sizeof(want.stamp[0]));
	assert_null(sff_mirror_store_error(f->mirrors));
	fixture_close(f);
	pmd_captures_destroy(set);
	unlink(path);
	stream_free(&want);
	stream_free(&got);
}

/* Live: control writes; what it is too slow for is dropped; copies have the time of day. */
static void
a_live_node_leaves_the_file_to_control(void **state)
{
	char path[] = "/tmp/sluice-mirror-XXXXXX.pcapng";
	struct sfc_mirror m = port_mirror(LAN, SFC_DIRECTION_IN, LONE);
	struct stream want = {0}, got = {0};
	uint64_t start = (uint64_t)time(NULL) * 1000000000u;
	unsigned int sent = 0;
	struct fixture *f;

	(void)state;
	m.to_port = -1;
	m.to_file = temporary(path);
	f = open_live(&m, 1);
	for (uint16_t i = 0; i < 100; i++) {
		frame_udp(&in, i, 9999, i);
		stream_add(&want, &in, 0);
		fixture_put(f, LAN, &in);
	}
	fixture_run(f);
	sff_mirror_store_drain(f->mirrors);
	read_file(path, &got); /* at once */
	assert_streams_equal(&got, &want);
	for (unsigned int i = 0; i < got.n; i++)
		assert_true(got.stamp[i] >= start && got.stamp[i] < start + 600000000000u);
	fixture_forget(f);

	for (unsigned int i = 0; i < 4000; i++) {
		fixture_put(f, LAN, &in);
		if (i % 32 == 31) {
			fixture_run(f);
			sent += fixture_waiting(f, WAN);
			fixture_forget(f);
		}
	}
	assert_int_equal(sent, 4000);
	assert_true(f->lc->dropped[SFC_DROP_MIRROR_FULL] > 1000);
	fixture_close(f);
	unlink(path);
	stream_free(&want);
	stream_free(&got);
}

static void
a_file_that_cannot_be_written_is_told(void **state)
{
	struct sfc_mirror m = port_mirror(LAN, SFC_DIRECTION_IN, LONE);
	struct pmd_captures *set = captures();
	struct fixture *f;

	(void)state;
	m.to_port = -1;
	m.to_file = (char[]){"/dev/full"};
	f = open_mirrors(SFF_FEED_LOSSLESS, set, &m, 1);
	for (unsigned int i = 0; i < 20; i++) {
		frame_udp(&in, 1, 9999, 60000);
		fixture_put(f, LAN, &in);
		fixture_run(f); /* the books hold */
		fixture_forget(f);
	}
	assert_non_null(strstr(sff_mirror_store_error(f->mirrors), "/dev/full: cannot write"));
	assert_true(sff_mirror_store_errors(f->mirrors) > 0);
	fixture_close(f);
	pmd_captures_destroy(set);
}

/* The files of a replay know each other. */
static void
an_input_is_not_overwritten(void **state)
{
	struct pmd_captures *set = captures();
	struct sfc_mirror m = port_mirror(LAN, SFC_DIRECTION_IN, LONE);
	struct fixture *f = open_live(NULL, 0);
	struct pmd_port *port;
	char err[512] = "";

	(void)state;
	assert_int_equal(
		pmd_capture_open(set, "x", SOURCE_DIR "/pcaps/http.pcap", NULL, &port, err, sizeof(err)), 0);
	m.to_port = -1;
	m.to_file = (char[]){SOURCE_DIR "/pcaps/../pcaps/http.pcap"};
	f->config.mirror = &m;
	f->config.n_mirrors = 1;
	assert_int_equal(sff_mirror_store_create(1, set, &f->mirrors, err, sizeof(err)), 0);
	assert_int_equal(sff_mirrors_open(&f->plane, f->mirrors, err, sizeof(err)), -EEXIST);
	assert_non_null(strstr(err, "is read or written by another port"));
	assert_null(f->plane.mirrors);
	m.to_file = (char[]){"/nowhere/x.pcap"};
	assert_int_equal(sff_mirrors_open(&f->plane, f->mirrors, err, sizeof(err)), -ENOENT);
	f->config.n_mirrors = 0;
	port->ops->close(port);
	fixture_close(f);
	pmd_captures_destroy(set);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_port_is_copied_as_it_receives),
		cmocka_unit_test(a_port_is_copied_as_it_sends),
		cmocka_unit_test(what_a_port_does_not_take_is_not_copied),
		cmocka_unit_test(a_hop_is_copied_where_its_instance_gets_and_gives),
		cmocka_unit_test(a_hop_is_copied_as_its_instance_sees_it),
		cmocka_unit_test(a_hop_is_all_its_instances),
		cmocka_unit_test(a_frame_that_no_hop_sent_is_no_hops),
		cmocka_unit_test(a_filter_selects_what_is_copied),
		cmocka_unit_test(a_filter_that_is_none_is_refused),
		cmocka_unit_test(nothing_changes_for_the_frames),
		cmocka_unit_test(copies_run_out_of_buffers_of_their_own),
		cmocka_unit_test(a_copy_too_large_for_its_port_is_dropped),
		cmocka_unit_test(frames_of_its_own_go_before_copies),
		cmocka_unit_test(a_replay_copies_everything_once),
		cmocka_unit_test(a_replay_copies_more_than_it_has_buffers_for),
		cmocka_unit_test(copies_of_a_step_are_in_input_order),
		cmocka_unit_test(a_replay_writes_copies_to_a_file),
		cmocka_unit_test(a_live_node_leaves_the_file_to_control),
		cmocka_unit_test(a_file_that_cannot_be_written_is_told),
		cmocka_unit_test(an_input_is_not_overwritten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
