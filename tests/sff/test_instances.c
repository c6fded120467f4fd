/* Instances that come, drain, go and die: which flows move, and which never do. */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FLOWS 4000u
#define NAME  16

static struct frame in;

/*
 * One function with instances of a list of (name, admin), on one node; path web and its way back. Static
 * storage.
 */
static const char *
domain(const char *on_failure, const char *const instance[][2])
{
	static char text[8192];
	size_t n = 0;

	n += (size_t)snprintf(text, sizeof(text),
		"sfc:\n"
		"  node:\n"
		"    - name: here\n"
		"      port:\n"
		"        - { name: lan, device: none, role: access, peer: wan }\n"
		"        - { name: wan, device: none, role: access, peer: lan }\n"
		"  function:\n"
		"    - name: fw\n"
		"      on-failure: %s\n"
		"      instance:\n",
		on_failure);
	for (; (*instance)[0] != NULL; instance++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
			"        - { name: %s, node: here, admin: %s, vm: { image: bridge } }\n",
			(*instance)[0], (*instance)[1]);
	snprintf(text + n, sizeof(text) - n,
		"  path:\n"
		"    - { name: web, spi: 1, hops: [fw], egress: wan, reverse: back }\n"
		"    - { name: back, spi: 2, hops: [fw], egress: lan }\n"
		"  rule:\n"
		"    - { name: all, match: { port: lan }, action: { path: web } }\n");
	return text;
}

/* The instance a flow meets; "" = none. */
static const char *
met(struct rig *r, uint16_t flow, bool back)
{
	static char name[NAME];
	const char *holder;

	if (back)
		frame_udp_back(&in, 80, flow, 20);
	else
		frame_udp(&in, flow, 80, 20);
	rig_put(r, back ? "wan" : "lan", &in);
	rig_run(r);
	holder = rig_holder(r);
	snprintf(name, sizeof(name), "%s", holder != NULL ? holder : "");
	rig_settle(r);
	rig_forget(r, "lan");
	rig_forget(r, "wan");
	return name;
}

static char first[FLOWS][NAME];

static void
start(struct rig *r)
{
	for (uint16_t flow = 0; flow < FLOWS; flow++)
		strcpy(first[flow], met(r, flow, false));
}

/* Flows from `from` on that do not meet what they met first; `only` = NULL, or those that met this one first.
 */
static unsigned int
moved(struct rig *r, uint16_t from, uint16_t to, const char *only)
{
	unsigned int n = 0;

	for (uint16_t flow = from; flow < to; flow++)
		if (only == NULL || strcmp(first[flow], only) == 0)
			n += strcmp(met(r, flow, false), first[flow]) != 0;
	return n;
}

static const char *const four[][2] = {{"a", "up"}, {"b", "up"}, {"c", "up"}, {"d", "up"}, {NULL, NULL}};
static const char *const five[][2] = {
	{"e", "up"}, {"d", "up"}, {"a", "up"}, {"b", "up"}, {"c", "up"}, {NULL, NULL}};

/* A6: same flow, same instance; also while instances are added, in another order, and indices shift. */
static void
a6_adding_one_to_four_moves_no_live_flow_and_22_percent_of_new_ones(void **state)
{
	struct rig *r = rig_open(domain("closed", four));
	unsigned int to_e = 0;

	(void)state;
	start(r);
	assert_int_equal(moved(r, 0, FLOWS, NULL), 0);
	rig_apply(r, domain("closed", five));
	assert_int_equal(moved(r, 0, FLOWS, NULL), 0);
	assert_int_equal(r->lc->steering.repinned, 0);
	/* As many flows that were never seen: at most 22 % of them would have met another. */
	for (uint16_t flow = FLOWS; flow < 2 * FLOWS; flow++)
		to_e += strcmp(met(r, flow, false), "e") == 0;
	assert_in_range(to_e, FLOWS * 17 / 100, FLOWS * 22 / 100);
	assert_int_equal(rig_dropped(r), 0);
	rig_close(r);
}

/* A5: the reverse direction meets the same instance, before and after a change, and while it drains. */
static void
a5_both_directions_meet_one_instance(void **state)
{
	static const char *const drained[][2] = {
		{"e", "up"}, {"d", "drain"}, {"a", "up"}, {"b", "up"}, {"c", "up"}, {NULL, NULL}};
	struct rig *r = rig_open(domain("closed", four));

	(void)state;
	start(r);
	for (uint16_t flow = 0; flow < FLOWS; flow++)
		assert_string_equal(met(r, flow, true), first[flow]);
	rig_apply(r, domain("closed", five));
	for (uint16_t flow = 0; flow < FLOWS; flow++) {
		assert_string_equal(met(r, flow, false), first[flow]);
		assert_string_equal(met(r, flow, true), first[flow]);
	}
	rig_apply(r, domain("closed", drained));
	/* First the way back, then the way there: nothing said so since the change. */
	for (uint16_t flow = 0; flow < FLOWS; flow++) {
		assert_string_equal(met(r, flow, true), first[flow]);
		assert_string_equal(met(r, flow, false), first[flow]);
	}
	/* The way back of flows of path web, not the peer: they were learned. */
	assert_int_equal(r->lc->path[1].in, FLOWS);
	rig_close(r);
}

/* A6: a drained instance keeps its live flows and gets no new one. */
static void
a6_a_drained_instance_keeps_its_flows_and_gets_no_new_ones(void **state)
{
	static const char *const drained[][2] = {
		{"a", "up"}, {"b", "drain"}, {"c", "up"}, {"d", "up"}, {NULL, NULL}};
	struct rig *r = rig_open(domain("closed", four));

	(void)state;
	start(r);
	rig_apply(r, domain("closed", drained));
	assert_int_equal(moved(r, 0, FLOWS, NULL), 0);
	for (uint16_t flow = FLOWS; flow < 2 * FLOWS; flow++)
		assert_string_not_equal(met(r, flow, false), "b");
	/* Silent for longer than a flow lives: it is a new one. */
	r->lc->pins->now += SFF_PIN_IDLE_S + 1;
	for (uint16_t flow = 0; flow < FLOWS; flow++)
		assert_string_not_equal(met(r, flow, false), "b");
	assert_int_equal(r->lc->steering.repinned, 0);
	rig_close(r);
}

/* A6: the only instance drains, too: what it has stays, what is new finds none. */
static void
a6_the_only_instance_drains(void **state)
{
	static const char *const one[][2] = {{"a", "up"}, {NULL, NULL}};
	static const char *const last[][2] = {{"a", "drain"}, {NULL, NULL}};
	struct rig *r = rig_open(domain("closed", one));

	(void)state;
	/* Flows are remembered from the moment that control says so. */
	met(r, 1, false);
	sff_plane_learn(&r->now->plane, 0);
	met(r, 2, false);
	rig_apply(r, domain("closed", last));
	assert_string_equal(met(r, 2, false), "a");
	assert_string_equal(met(r, 3, false), "");
	assert_int_equal(r->lc->dropped[SFC_DROP_SF_DOWN], 1);
	assert_int_equal(rig_dropped(r), 1);
	rig_close(r);
}

/* A6: when an instance is down its flows move, no other does, each is counted once; and they stay when it is
 * back. */
static void
a6_flows_of_an_instance_that_is_down_move_once(void **state)
{
	struct rig *r = rig_open(domain("closed", four));
	unsigned int of_c = 0;

	(void)state;
	start(r);
	for (uint16_t flow = 0; flow < FLOWS; flow++)
		of_c += strcmp(first[flow], "c") == 0;
	rig_set_state(r, "c", SFC_DOWN);
	for (uint16_t flow = 0; flow < FLOWS; flow++) {
		const char *now = met(r, flow, false);

		if (strcmp(first[flow], "c") == 0) {
			assert_string_not_equal(now, "c");
			strcpy(first[flow], now);
		} else {
			assert_string_equal(now, first[flow]);
		}
	}
	assert_int_equal(r->lc->steering.repinned, of_c);
	rig_set_state(r, "c", SFC_UP);
	assert_int_equal(moved(r, 0, FLOWS, NULL), 0);
	assert_int_equal(r->lc->steering.repinned, of_c);
	/* New flows use it again. */
	of_c = 0;
	for (uint16_t flow = FLOWS; flow < 2 * FLOWS; flow++)
		of_c += strcmp(met(r, flow, false), "c") == 0;
	assert_in_range(of_c, FLOWS / 5, FLOWS * 3 / 10);
	assert_int_equal(rig_dropped(r), 0);
	rig_close(r);
}

static void
all_down_closes_or_bypasses_and_is_counted(void **state)
{
	static const char *const down[][2] = {
		{"a", "down"}, {"b", "down"}, {"c", "drain"}, {"d", "down"}, {NULL, NULL}};
	struct rig *r = rig_open(domain("closed", four));

	(void)state;
	start(r);
	rig_apply(r, domain("closed", down));
	for (uint16_t flow = 0; flow < FLOWS; flow++)
		assert_string_equal(met(r, flow, false), strcmp(first[flow], "c") == 0 ? "c" : "");
	assert_int_equal(rig_dropped(r), r->lc->dropped[SFC_DROP_SF_DOWN]);
	assert_int_equal(r->lc->steering.bypassed, 0);
	rig_close(r);

	r = rig_open(domain("bypass", down));
	for (uint16_t flow = 0; flow < 100; flow++) {
		frame_udp(&in, flow, 80, 20);
		rig_put(r, "lan", &in);
		rig_run(r);
		assert_null(rig_holder(r));
		assert_int_equal(rig_forget(r, "wan"), 1);
	}
	assert_int_equal(r->lc->steering.bypassed, 100);
	assert_int_equal(rig_dropped(r), 0);
	rig_close(r);
}

/* Its VM is gone, and nobody said so yet: what stands in its buffer goes where what comes after it goes. */
static void
frames_in_the_buffer_of_a_dead_instance_go_on(void **state)
{
	static const char *const one[][2] = {{"a", "up"}, {NULL, NULL}};
	static const char *const two[][2] = {{"a", "up"}, {"b", "up"}, {NULL, NULL}};
	static const struct {
		const char *on_failure;
		const char *const (*instances)[2];
		unsigned int sent, to_b;
	} rows[] = {{"bypass", one, 100, 0}, {"closed", one, 0, 0}, {"closed", two, 0, 100}};

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rig *r = rig_open(domain(rows[i].on_failure, rows[i].instances));

		rig_port(r, "a")->up = false;
		for (uint16_t flow = 0; flow < 100; flow++) {
			frame_udp(&in, flow, 80, 20);
			rig_put(r, "lan", &in);
		}
		rig_run(r);
		assert_int_equal(r->now->plane.up[0], SFC_DOWN);
		assert_int_equal(rig_forget(r, "wan"), rows[i].sent);
		if (rows[i].instances == two)
			assert_int_equal(rig_port(r, "b")->n_out, rows[i].to_b);
		assert_int_equal(rig_dropped(r), 100 - rows[i].sent - rows[i].to_b);
		assert_int_equal(r->lc->dropped[SFC_DROP_SF_DOWN], rig_dropped(r));
		/* Once each, whatever way they took. */
		assert_int_equal(r->lc->path[0].in, 100);
		assert_int_equal(r->lc->hop[0].in, 100);
		rig_settle(r);
		rig_close(r);
	}
}

/* An instance that a change took away: its flows move, as if it were down; it may come back under its name.
 */
static void
flows_of_a_deleted_instance_move(void **state)
{
	static const char *const three[][2] = {{"d", "up"}, {"c", "up"}, {"a", "up"}, {NULL, NULL}};
	struct rig *r = rig_open(domain("closed", four));
	unsigned int of_b = 0;

	(void)state;
	start(r);
	rig_apply(r, domain("closed", three));
	for (uint16_t flow = 0; flow < FLOWS; flow++) {
		const char *now = met(r, flow, false);

		if (strcmp(first[flow], "b") == 0)
			of_b++;
		else
			assert_string_equal(now, first[flow]);
		strcpy(first[flow], now);
	}
	assert_int_equal(r->lc->steering.repinned, of_b);
	rig_apply(r, domain("closed", four));
	assert_int_equal(moved(r, 0, FLOWS, NULL), 0);
	rig_close(r);
}

/* Bounded: more flows than there is room for are served all the same; the silent ones are forgotten first. */
static void
a_flood_of_flows_forgets_the_silent_ones_first(void **state)
{
	struct sff_pins *pins;
	unsigned int kept = 0;

	(void)state;
	assert_int_equal(sff_pins_create(1024, UINT64_C(1) << SFF_PIN_TICK_BITS, false, &pins), 0);
	assert_int_equal(pins->map_size, 2048 * sizeof(struct sff_pin));
	pins->now = 10;
	for (uint32_t i = 0; i < 256; i++)
		sff_pin_add(pins, sff_pin_key(7, i), 1);
	for (uint32_t round = 0; round < 100; round++) {
		pins->now++;
		for (uint32_t i = 0; i < 256; i++) {
			struct sff_pin *pin = sff_pin_find(pins, sff_pin_key(7, i));

			if (pin != NULL)
				sff_pin_touch(pins, pin);
		}
		pins->now++;
		for (uint32_t i = 0; i < 64; i++)
			sff_pin_add(pins, sff_pin_key(8, round * 64 + i), 2);
	}
	for (uint32_t i = 0; i < 256; i++)
		kept += sff_pin_find(pins, sff_pin_key(7, i)) != NULL;
	assert_true(kept >= 250);
	assert_null(sff_pin_find(pins, sff_pin_key(9, 1)));
	sff_pins_destroy(pins);
}

static void
a_pin_dies_of_silence(void **state)
{
	struct sff_pins *pins;
	struct sff_pin *pin;

	(void)state;
	assert_int_equal(sff_pins_create(1, UINT64_C(1) << SFF_PIN_TICK_BITS, false, &pins), 0);
	pins->now = UINT32_MAX - 10;
	sff_pin_add(pins, sff_pin_key(7, 0), 1);
	pin = sff_pin_find(pins, sff_pin_key(7, 0));
	assert_non_null(pin);
	pins->now += SFF_PIN_IDLE_S; /* over the end of the clock */
	assert_true(sff_pin_is_live(pins, pin));
	pins->now++;
	assert_false(sff_pin_is_live(pins, pin));
	sff_pin_touch(pins, pin);
	assert_true(sff_pin_is_live(pins, pin));
	sff_pins_destroy(pins);
}

static const char *const ten[][2] = {{"a", "up"}, {"b", "up"}, {"c", "up"}, {"d", "up"}, {"e", "up"},
	{"f", "up"}, {"g", "up"}, {"h", "up"}, {"i", "up"}, {"j", "up"}, {NULL, NULL}};

/* Ten instances, killed and restored at random while traffic flows: no flow moves but those whose instance is
 * dead when they speak. */
static void
a6_ten_instances_die_at_random_and_only_their_flows_move(void **state)
{
	struct rig *r = rig_open(domain("closed", ten));
	unsigned int alive = 10, n_moved = 0, deaths = 0;

	(void)state;
	srandom(1);
	start(r);
	for (unsigned int round = 0; round < 300; round++) {
		const char *victim = ten[(unsigned int)random() % 10][0];

		/* Frames of other flows are inside when it dies. */
		for (uint16_t i = 0; i < 64; i++) {
			frame_udp(&in, (uint16_t)(FLOWS + (unsigned int)random() % FLOWS), 80, 20);
			rig_put(r, "lan", &in);
		}
		rig_run(r);
		if (!rig_port(r, victim)->up) {
			rig_port(r, victim)->up = true;
			rig_set_state(r, victim, SFC_UP);
			alive++;
		} else if (alive > 1) {
			rig_kill(r, victim);
			alive--;
			deaths++;
		}
		rig_settle(r);
		rig_forget(r, "wan");
		for (unsigned int k = 0; k < 40; k++) {
			uint16_t flow = (uint16_t)((unsigned int)random() % FLOWS);
			bool is_dead = !rig_port(r, first[flow])->up;
			const char *now = met(r, flow, false);

			assert_string_not_equal(now, "");
			if (is_dead)
				assert_string_not_equal(now, first[flow]);
			else
				assert_string_equal(now, first[flow]);
			n_moved += is_dead;
			strcpy(first[flow], now);
		}
	}
	assert_true(deaths > 100 && n_moved > 1000 && r->lost > 0);
	assert_true(r->lc->steering.repinned >= n_moved);
	assert_int_equal(rig_dropped(r), 0);
	rig_close(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a6_adding_one_to_four_moves_no_live_flow_and_22_percent_of_new_ones),
		cmocka_unit_test(a5_both_directions_meet_one_instance),
		cmocka_unit_test(a6_a_drained_instance_keeps_its_flows_and_gets_no_new_ones),
		cmocka_unit_test(a6_the_only_instance_drains),
		cmocka_unit_test(a6_flows_of_an_instance_that_is_down_move_once),
		cmocka_unit_test(all_down_closes_or_bypasses_and_is_counted),
		cmocka_unit_test(frames_in_the_buffer_of_a_dead_instance_go_on),
		cmocka_unit_test(flows_of_a_deleted_instance_move),
		cmocka_unit_test(a_flood_of_flows_forgets_the_silent_ones_first),
		cmocka_unit_test(a_pin_dies_of_silence),
		cmocka_unit_test(a6_ten_instances_die_at_random_and_only_their_flows_move),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
