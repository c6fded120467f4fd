#include "stages.h"

#include "sff_report.h"

#include <sys/socket.h>
#include <unistd.h>

static struct frame in;

struct books {
	struct fixture *f;
	struct sff_vm vm[FIXTURE_PORTS - FW_1];
	struct sff_vms vms;
	struct sff_sources sources;
	struct sfc_ledger ledger;
};

static int
setup(void **state)
{
	static struct books b;

	memset(&b, 0, sizeof(b));
	b.f = fixture_open(&(struct fixture_conf){.feed = SFF_FEED_LOSSLESS});
	b.vms.vm = b.vm;
	for (unsigned int i = 0; i < RTE_DIM(b.vm); i++) {
		const struct sfc_instance *instance =
			&b.f->plane.config->instance[b.f->port[FW_1 + i].instance];

		/* An attached SF is no VM of ours: it stands on an external port. */
		if (instance->attach.present)
			continue;
		b.vm[b.vms.n++] = (struct sff_vm){
			.instance = instance,
			.index = b.f->port[FW_1 + i].instance,
			.port = (uint16_t)(FW_1 + i),
			.state = SFF_VM_READY,
			.runtime = "process",
			.boot_us = 100 + i,
		};
		snprintf(b.vm[b.vms.n - 1].name, sizeof(b.vm[0].name), "%s", instance->name);
	}
	b.sources = (struct sff_sources){
		.plane = &b.f->plane,
		.lcore = &b.f->lc,
		.n_lcores = 1,
		.vms = &b.vms,
		.seconds = 2,
	};
	*state = &b;
	return 0;
}

static int
teardown(void **state)
{
	fixture_close(((struct books *)*state)->f);
	return 0;
}

static void
put(struct books *b, uint16_t dst_port, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++) {
		frame_udp(&in, i, dst_port, 10);
		fixture_put(b->f, LAN, &in);
	}
	fixture_run(b->f);
}

static const struct sfc_ledger *
balance(struct books *b)
{
	sff_report_ledger(&b->sources, &b->ledger);
	assert_true(sfc_ledger_balanced(&b->ledger));
	return &b->ledger;
}

static void
frames_in_an_sf_are_in_flight_consumed_stuck_or_lost(void **state)
{
	struct books *b = *state;
	const struct sfc_ledger *l = &b->ledger;

	put(b, 1100, 10);
	balance(b);
	assert_int_equal(l->received, 10);
	assert_int_equal(l->in_flight, 10);

	b->f->fake[FW_1].consumed = 4;
	balance(b);
	assert_int_equal(l->in_flight, 6);
	assert_int_equal(l->dropped[SFC_DROP_SF_CONSUMED], 4);

	b->sources.ended = true;
	balance(b);
	assert_int_equal(l->in_flight, 0);
	assert_int_equal(l->dropped[SFC_DROP_SF_STUCK], 6);

	/* Given up at the end, or cut off before. */
	b->f->fake[FW_1].broken = 1;
	for (int ended = 1; ended >= 0; ended--) {
		b->sources.ended = ended;
		balance(b);
		assert_int_equal(l->in_flight, 0);
		assert_int_equal(l->dropped[SFC_DROP_SF_STUCK], 0);
		assert_int_equal(l->dropped[SFC_DROP_SF_LOST], 6);
	}
	b->f->fake[FW_1].broken = 0;

	b->vm[0].state = SFF_VM_ENDED;
	balance(b);
	assert_int_equal(l->dropped[SFC_DROP_SF_STUCK], 0);
	assert_int_equal(l->dropped[SFC_DROP_SF_LOST], 6);

	/* A liar consumed at most what it got. */
	b->f->fake[FW_1].consumed = UINT64_MAX;
	balance(b);
	assert_int_equal(l->dropped[SFC_DROP_SF_CONSUMED], 10);
	assert_int_equal(l->dropped[SFC_DROP_SF_LOST], 0);
	b->f->fake[FW_1].consumed = 0;
}

static void
what_an_sf_makes_is_originated(void **state)
{
	struct books *b = *state;

	put(b, 1100, 3);
	fixture_serve(b->f, FW_1);
	for (int i = 0; i < 5; i++) {
		frame_udp(&in, 1, 2, 10);
		frame_md1(&in, 100, 254, 62, NSH_NP_ETHERNET);
		fixture_wrap_sf(b->f, FW_1, &in);
		fixture_put(b->f, FW_1, &in);
	}
	fixture_run(b->f);
	b->f->fake[FW_1].consumed = 2; /* so it says, and yet gave more than it got */
	balance(b);
	assert_int_equal(b->ledger.received, 3);
	assert_int_equal(b->ledger.originated, 5);
	assert_int_equal(b->ledger.sent, 8);
	assert_int_equal(b->ledger.dropped[SFC_DROP_SF_CONSUMED], 0);
}

static void
a_transmit_buffer_is_in_flight(void **state)
{
	struct books *b = *state;

	b->f->fake[FW_1].room = 0;
	put(b, 1100, 7);
	balance(b);
	assert_int_equal(b->ledger.in_flight, 7);
}

static void
own_counters(const struct pmd_port *port, struct pmd_stats *stats)
{
	(void)port;
	*stats = (struct pmd_stats){.rx_capture_size = 2, .rx_missed = 3, .tx_errors = 4};
}

static void
what_a_port_counts_by_itself_is_in_the_books(void **state)
{
	struct books *b = *state;
	struct pmd_ops ops = *b->f->fake[WAN].pmd.ops;

	ops.stats = own_counters;
	put(b, 9999, 10);
	b->f->fake[WAN].pmd.ops = &ops;
	balance(b);
	assert_int_equal(b->ledger.received, 15);
	assert_int_equal(b->ledger.sent, 6);
	assert_int_equal(b->ledger.dropped[SFC_DROP_CAPTURE_SIZE], 2);
	assert_int_equal(b->ledger.dropped[SFC_DROP_NO_MBUF], 3);
	assert_int_equal(b->ledger.dropped[SFC_DROP_EGRESS_DOWN], 4);
	b->f->fake[WAN].pmd.ops = b->f->fake[LAN].pmd.ops;
}

static json_int_t
number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_integer(value))
		fail_msg("'%s' is not there", key);
	return json_integer_value(value);
}

static void
the_report_names_paths_hops_and_instances(void **state)
{
	struct books *b = *state;
	const json_t *report, *path, *hop, *instance;
	json_t *event;

	put(b, 1107, 5);
	fixture_settle(b->f);
	event = sff_report_event(&b->sources, &b->ledger);
	assert_non_null(event);
	assert_string_equal(json_string_value(json_object_get(event, "event")), "report");
	report = json_object_get(event, "report");
	assert_true(json_is_true(json_object_get(json_object_get(report, "ledger"), "balanced")));
	assert_int_equal(number(json_object_get(report, "ledger"), "sent"), 5);

	assert_int_equal(json_array_size(json_object_get(report, "paths")), b->f->plane.config->n_paths);
	path = json_array_get(json_object_get(report, "paths"), 7);
	assert_string_equal(json_string_value(json_object_get(path, "name")), "long");
	assert_int_equal(number(path, "spi"), 107);
	assert_int_equal(number(path, "in"), 5);
	assert_int_equal(number(path, "out"), 5);

	for (size_t i = 0, h = 0; i < json_array_size(json_object_get(event, "hops")); i++) {
		hop = json_array_get(json_object_get(event, "hops"), i);
		if (strcmp(json_string_value(json_object_get(hop, "path")), "long") != 0)
			continue;
		assert_int_equal(number(hop, "hop"), ++h);
		assert_int_equal(number(hop, "si"), 256 - (int)h);
		assert_string_equal(
			json_string_value(json_object_get(hop, "function")), h == 2 ? "ids" : "fw");
		assert_int_equal(number(hop, "in"), 5);
		assert_int_equal(number(hop, "out"), 5);
	}

	assert_int_equal(json_array_size(json_object_get(report, "instances")), b->vms.n);
	instance = json_array_get(json_object_get(report, "instances"), 0);
	assert_string_equal(json_string_value(json_object_get(instance, "name")), "fw-1");
	assert_string_equal(json_string_value(json_object_get(instance, "runtime")), "process");
	assert_int_equal(number(instance, "boot_us"), 100);
	assert_int_equal(number(instance, "rx"), 10);
	assert_int_equal(number(instance, "tx"), 10);
	json_decref(event);
}

static void
metrics_of_a_guest_are_cleaned_and_bounded(void **state)
{
	struct books *b = *state;
	struct sff_shared *shared = calloc(1, sizeof(*shared));
	const json_t *metrics, *consumed;
	json_int_t named = 0;
	json_t *event;

	assert_non_null(shared);
	/* A name that never ends, one of control characters and quotes, an empty one, drops beyond all
	 * bounds. */
	memset(shared->metrics.metric[0].name, 'a', HV_METRIC_NAME);
	memcpy(shared->metrics.metric[1].name, "x\"\\\n\xff ", 6);
	memcpy(shared->metrics.metric[3].name, "drop.rule", 9);
	shared->metrics.metric[3].value = 3;
	memcpy(shared->metrics.metric[4].name, "drop.more", 9);
	shared->metrics.metric[4].value = UINT64_MAX;
	memcpy(shared->metrics.metric[5].name, "drop.never", 10);
	shared->metrics.metric[5].value = 1;
	shared->metrics.count = UINT32_MAX;
	b->vm[0].shared = shared;
	put(b, 1100, 10);
	b->f->fake[FW_1].consumed = 8;
	event = sff_report_event(&b->sources, &b->ledger);
	assert_non_null(event);
	metrics = json_object_get(
		json_array_get(json_object_get(json_object_get(event, "report"), "instances"), 0), "metrics");
	assert_int_equal(json_object_size(metrics), 5);
	assert_int_equal(number(metrics, "drop.rule"), 3);
	assert_int_equal(number(metrics, "x_____"), 0);

	/* Split of what was consumed: 3 by rule, the rest by the liar, nothing is left for the last. */
	consumed = json_object_get(event, "consumed");
	assert_int_equal(json_array_size(consumed), 2);
	for (size_t i = 0; i < json_array_size(consumed); i++)
		named += number(json_array_get(consumed, i), "frames");
	assert_int_equal(named, 8);
	json_decref(event);
	b->vm[0].shared = NULL;
	free(shared);
	b->f->fake[FW_1].consumed = 0;
}

static void
a_ledger_for_people_says_whether_it_balances(void **state)
{
	struct books *b = *state;
	char text[4096] = "";
	FILE *file = fmemopen(text, sizeof(text) - 1, "w");

	assert_non_null(file);
	put(b, 53, 3);
	sff_report_print(file, balance(b));
	b->ledger.sent++;
	sff_report_print(file, &b->ledger);
	fclose(file);
	assert_non_null(strstr(text, "received               3"));
	assert_non_null(strstr(text, "rule: a classifier rule says drop"));
	assert_non_null(strstr(text, "\nbalanced\n"));
	assert_non_null(strstr(text, "NOT BALANCED"));
}

static void
an_event_is_one_line(void **state)
{
	char text[256];
	int fd[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	sff_event_send(fd[0], json_pack("{s:s}", "event", "note"));
	sff_event_send(-1, json_pack("{s:s}", "event", "nobody listens"));
	sff_event_send(fd[0], NULL);
	assert_int_equal(recv(fd[1], text, sizeof(text), MSG_DONTWAIT), 17);
	assert_memory_equal(text, "{\"event\":\"note\"}\n", 17);
	close(fd[1]);
	sff_event_send(fd[0], json_pack("{s:s}", "event", "gone")); /* no signal */
	close(fd[0]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(frames_in_an_sf_are_in_flight_consumed_stuck_or_lost),
		TEST(what_an_sf_makes_is_originated),
		TEST(a_transmit_buffer_is_in_flight),
		TEST(what_a_port_counts_by_itself_is_in_the_books),
		TEST(the_report_names_paths_hops_and_instances),
		TEST(metrics_of_a_guest_are_cleaned_and_bounded),
		TEST(a_ledger_for_people_says_whether_it_balances),
		cmocka_unit_test(an_event_is_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
