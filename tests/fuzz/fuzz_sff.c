/* Any bytes into any port of a whole forwarder, in any segments: every frame ends sent or in one named drop,
 * the books balance, no packet buffer is lost, stages take declared edges only (tests/sff/fixture.c aborts).
 * What is sent holds: NSH, outer headers.
 *
 * Input: port, feed and flags, n cuts, n cuts of 2 bytes (big endian), then the frame.
 * tests/sff/make_seeds.c writes the seeds.
 */
#include "../sff/fixture.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

#define MAX_CUTS 15u

enum flag {
	FLAG_FEED = 0x03,   /* enum sff_feed, modulo 3 */
	FLAG_DOWN = 0x04,   /* the bypassed function is down */
	FLAG_CLOSED = 0x08, /* the firewall is down */
	FLAG_FULL = 0x10,   /* rings have no room at first */
	FLAG_AGAIN = 0x20,  /* the frame comes twice */
};

/* One forwarder per way to feed it. To build one takes long; they share buffers, which an input gives all
 * back. */
static struct fixture *
forwarder(unsigned int feed)
{
	static struct fixture *open[3];

	if (open[feed] == NULL)
		open[feed] = fixture_open(&(struct fixture_conf){
			.feed = (enum sff_feed)feed, .lockstep = 4, .stamps = feed != SFF_FEED_LIVE});
	return open[feed];
}

/* What SFs do with what they got: serve some of it, look at the rest. */
static void
serve(struct fixture *f)
{
	for (unsigned int round = 0; round < 4; round++) {
		for (enum fixture_port_index p = FW_1; p < FIXTURE_PORTS; p++)
			fixture_serve(f, p);
		fixture_run(f);
	}
	fixture_examine(f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct frame frame;
	struct fixture *f;
	enum fixture_port_index port;
	uint16_t cut[MAX_CUTS];
	unsigned int n;
	uint8_t flags;

	if (size < 3)
		return 0;
	port = data[0] % FIXTURE_PORTS;
	flags = data[1];
	n = data[2] % (MAX_CUTS + 1);
	data += 3;
	size -= 3;
	if (size < 2 * n || size - 2 * n > UINT16_MAX)
		return 0;
	for (unsigned int i = 0; i < n; i++, data += 2, size -= 2)
		cut[i] = (uint16_t)(data[0] << 8 | data[1]);
	memcpy(frame.bytes, data, size);
	frame.size = (uint32_t)size;

	f = forwarder((flags & FLAG_FEED) % 3);
	if (f->port[port].pmd == NULL)
		port = CORE; /* what is behind it has no port of its own */
	f->plane.up[f->port[SOFT_1].instance] = !(flags & FLAG_DOWN);
	f->plane.up[f->port[FW_1].instance] = !(flags & FLAG_CLOSED);
	for (enum fixture_port_index p = 0; p < FIXTURE_PORTS; p++)
		f->fake[p].room = flags & FLAG_FULL ? 0 : FIXTURE_FULL;
	for (int copies = flags & FLAG_AGAIN ? 2 : 1; copies > 0; copies--)
		fixture_put_split(f, port, &frame, cut, n);
	fixture_run(f);
	for (enum fixture_port_index p = 0; p < FIXTURE_PORTS; p++)
		f->fake[p].room = FIXTURE_FULL;
	fixture_run(f);
	serve(f);
	/* A step of lockstep must not wait for what this input left inside: the guests say they are done. */
	for (enum fixture_port_index p = FW_1; p < FIXTURE_PORTS; p++)
		f->fake[p].consumed = f->fake[p].stats.enqueued;
	fixture_run(f);
	fixture_examine(f);
	for (enum fixture_port_index p = FW_1; p < FIXTURE_PORTS; p++)
		f->fake[p].consumed = f->fake[p].stats.enqueued;
	fixture_run(f);
	fixture_examine(f);
	/* Nor does a frame wait for a next hop until another input. */
	f->lc->underlay.now += (SFF_PROBES * SFF_PROBE_SECONDS + 1) * f->lc->underlay.hz;
	fixture_run(f);
	fixture_examine(f);
	return 0;
}

/* EAL and the domain before the first input. */
int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	forwarder(SFF_FEED_LIVE);
	return 0;
}
