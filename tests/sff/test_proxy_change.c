/* What a proxy keeps lives through a change of the configuration: frames are inside its SFs all the time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "rig.h"

#include <stdio.h>
#include <string.h>

static char text[4000];

/* A function without NSH; more functions, ports and paths before it move every index. */
static const char *
domain(const char *style, unsigned int more)
{
	int n = snprintf(text, sizeof(text),
		"sfc:\n"
		"  node:\n"
		"    - name: here\n"
		"      port:\n"
		"        - { name: lan, device: none, role: access, peer: wan }\n"
		"        - { name: wan, device: none, role: access, peer: lan }\n"
		"  function:\n");

	for (unsigned int i = 0; i < more; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n,
			"    - { name: more-%u, nsh-aware: false, instance: [ { name: more-%u, node: here, "
			"vm: { "
			"image: bridge } } ] }\n",
			i, i);
	n += snprintf(text + n, sizeof(text) - (size_t)n,
		"    - name: plain\n"
		"      nsh-aware: false\n"
		"      proxy: { style: %s }\n"
		"      instance: [ { name: plain-1, node: here, vm: { image: bridge } } ]\n"
		"  path:\n",
		style);
	for (unsigned int i = 0; i < more; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n,
			"    - { name: more-%u, spi: %u, hops: [more-%u], egress: wan }\n", i, 50 + i, i);
	snprintf(text + n, sizeof(text) - (size_t)n,
		"    - { name: web, spi: 100, hops: [plain], egress: wan }\n"
		"  rule:\n"
		"    - { name: all, match: { port: lan }, action: { path: web } }\n");
	return text;
}

#define INSIDE 50
#define READY  30 /* of one burst: the next ones find the instance down */

/* The next frame that a port got. */
static bool
take(struct rig *r, const char *port, struct frame *frame)
{
	struct rig_port *p = rig_port(r, port);

	if (p->n_out == 0)
		return false;
	frame->size = p->out[0]->pkt_len;
	memcpy(frame->bytes, rte_pktmbuf_mtod(p->out[0], void *), frame->size);
	rte_pktmbuf_free(p->out[0]);
	memmove(p->out, p->out + 1, --p->n_out * sizeof(p->out[0]));
	return true;
}

static void
frames_inside_an_unaware_sf_come_back_after_a_change(void **state)
{
	static const char *const styles[] = {"flow", "vlan", "mac", "static"};
	static struct frame in[INSIDE], out;

	(void)state;
	for (unsigned int s = 0; s < sizeof(styles) / sizeof(styles[0]); s++) {
		struct rig *r = rig_open(domain(styles[s], 0));

		for (uint16_t i = 0; i < INSIDE; i++) {
			frame_udp(&in[i], i, 80, 20);
			rig_put(r, "lan", &in[i]);
		}
		rig_run(r);
		rig_apply(r, domain(styles[s], 3));
		for (uint16_t i = 0; i < INSIDE; i++) {
			assert_true(take(r, "plain-1", &out));
			rig_put(r, "plain-1", &out);
		}
		rig_run(r);
		for (uint16_t i = 0; i < INSIDE; i++) {
			assert_true(take(r, "wan", &out));
			assert_true(frame_equal(&out, &in[i]));
		}
		assert_int_equal(r->lc->dropped[SFC_DROP_PROXY_MISS], 0);
		rig_close(r);
	}
}

static void
a_change_of_style_forgets(void **state)
{
	static struct frame in, out;
	struct rig *r = rig_open(domain("flow", 0));

	(void)state;
	frame_udp(&in, 1, 80, 20);
	rig_put(r, "lan", &in);
	rig_run(r);
	rig_apply(r, domain("vlan", 0));
	rig_apply(r, domain("flow", 0));
	assert_true(take(r, "plain-1", &out));
	rig_put(r, "plain-1", &out);
	rig_run(r);
	assert_int_equal(r->lc->dropped[SFC_DROP_PROXY_MISS], 1);
	rig_close(r);
}

/* A function that is down is bypassed, also by frames that were ready for it: as they were before. */
static void
frames_that_an_unaware_sf_did_not_get_are_as_they_were(void **state)
{
	static const struct {
		const char *style;
		unsigned int sent;
	} rows[] = {{"flow", READY}, {"vlan", READY}, {"mac", READY}, {"static", 0}};
	static struct frame in[READY], out;

	(void)state;
	for (unsigned int s = 0; s < sizeof(rows) / sizeof(rows[0]); s++) {
		char style[80];
		struct rig *r;

		snprintf(style, sizeof(style), "%s }\n      on-failure: bypass #", rows[s].style);
		r = rig_open(domain(style, 0));
		rig_port(r, "plain-1")->up = false;
		for (uint16_t i = 0; i < READY; i++) {
			frame_udp(&in[i], i, 80, 20);
			rig_put(r, "lan", &in[i]);
		}
		rig_run(r);
		assert_int_equal(rig_port(r, "wan")->n_out, rows[s].sent);
		for (uint16_t i = 0; i < rows[s].sent; i++) {
			assert_true(take(r, "wan", &out));
			assert_true(frame_equal(&out, &in[i]));
		}
		assert_int_equal(r->lc->steering.bypassed, rows[s].sent);
		/* A static proxy keeps nothing that could be given back. */
		assert_int_equal(r->lc->dropped[SFC_DROP_SF_DOWN], READY - rows[s].sent);
		assert_int_equal(rig_dropped(r), READY - rows[s].sent);
		rig_close(r);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_inside_an_unaware_sf_come_back_after_a_change),
		cmocka_unit_test(a_change_of_style_forgets),
		cmocka_unit_test(frames_that_an_unaware_sf_did_not_get_are_as_they_were),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
