/* Any frame from an SF without NSH, or a damaged form of one it got: it ends sent with a good header again,
 * or in one named drop; the books balance and no packet buffer is lost (tests/sff/fixture.c aborts).
 *
 * Input: SF, mode, then for mode 0 the frame; else damage to the frame that the SF got: triples of offset
 * (big endian) and what to XOR there. What the SF itself gets back is an answer, never longer than what it
 * asked and a link-layer address option.
 */
#include "../sff/fixture.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static const struct {
	enum fixture_port_index port;
	uint32_t spi;
} sfs[] = {{STAT_1, 200}, {FLOW_1, 206}, {TAG_1, 204}, {ADDR_1, 213}, {GUESS_1, 207}, {ONLY_1, 209},
	{WIRE, 216}, {WIRE_TAG, 214}};

#define ND_OPTION 8u /* RFC 4861, 4.6.1 */

static struct frame frame;

/* Give the SF a frame; what it got is in `frame`. */
static void
serve(struct fixture *f, unsigned int sf, enum fixture_port_index wire)
{
	uint8_t mac[6];

	frame_udp(&frame, 4000, 5000, 20);
	if (sfs[sf].spi == 214) {
		frame_md1(&frame, 214, 254, 62, NSH_NP_ETHERNET);
		fixture_wrap_sf(f, FW_1, &frame);
		fixture_put(f, FW_1, &frame);
	} else {
		frame_md1(&frame, sfs[sf].spi, 255, 63, NSH_NP_ETHERNET);
		/* The function of path 200 takes no metadata that nobody explains. */
		if (sfs[sf].spi == 200)
			memset(frame.bytes + NSH_BASE_SIZE, 0, NSH_MD1_SIZE - NSH_BASE_SIZE);
		frame_gpe(&frame, 50000);
		fixture_put(f, CORE, &frame);
	}
	fixture_run(f);
	if (!fixture_take(f, wire, &frame))
		abort();
	if (wire != CORE)
		return;
	memcpy(mac, frame.bytes, sizeof(mac));
	memcpy(frame.bytes, frame.bytes + 6, sizeof(mac));
	memcpy(frame.bytes + 6, mac, sizeof(mac));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fixture *f;
	static struct frame got;
	enum fixture_port_index wire;
	unsigned int sf;

	if (size < 2 || size > UINT16_MAX)
		return 0;
	if (f == NULL)
		f = fixture_open(&(struct fixture_conf){.feed = SFF_FEED_LIVE});
	sf = data[0] % RTE_DIM(sfs);
	wire = f->port[sfs[sf].port].kind == SFF_PORT_ATTACHED ? CORE : sfs[sf].port;
	serve(f, sf, wire);
	if (data[1] == 0) {
		memcpy(frame.bytes, data + 2, size - 2);
		frame.size = (uint32_t)size - 2;
	} else {
		for (size_t at = 2; at + 3 <= size; at += 3)
			frame.bytes[(data[at] << 8 | data[at + 1]) % frame.size] ^= data[at + 2];
	}
	fixture_put(f, wire, &frame);
	fixture_run(f);
	for (unsigned int i = 0; wire != CORE && fixture_take(f, wire, &got); i++)
		if (i > 0 || (got.size > frame.size + ND_OPTION &&
				     memcmp(got.bytes, f->port[wire].sf_mac, ETH_MAC_SIZE) == 0))
			abort();
	fixture_examine(f);
	for (enum fixture_port_index p = FW_1; p < FIXTURE_PORTS; p++)
		f->fake[p].consumed = f->fake[p].stats.enqueued;
	return 0;
}

/* EAL and the domain before the first input. */
int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fixture_close(fixture_open(&(struct fixture_conf){.feed = SFF_FEED_LIVE}));
	return 0;
}
