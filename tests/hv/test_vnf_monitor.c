/* The monitor image: flow names, totals and its bounds, from its own source. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mon_flow.h"
#include "vnf_host.h"
#include "vnf_inner.h"

static int
setup(void **state)
{
	(void)state;
	host_init();
	assert_int_equal(vnf_init(0, NULL), 0);
	return 0;
}

static uint32_t
see(const struct inner *in)
{
	uint8_t bytes[512];
	struct vnf_pkt pkt = host_packet(VNF_NP_ETHERNET, bytes, inner_ether(bytes, in));

	assert_int_equal(vnf_packet(&pkt), VNF_PASS);
	return pkt.inner_size;
}

static void
flows_have_names_people_can_read(void **state)
{
	static const struct {
		struct inner in;
		const char *name;
	} rows[] = {
		{{.src = "10.0.0.1", .dst = "10.0.0.2", .proto = 6, .sport = 1234, .dport = 80},
			"flow.tcp.10.0.0.1:1234>10.0.0.2:80"},
		{{.src = "10.0.0.1", .dst = "10.0.0.2", .proto = 17, .sport = 0, .dport = 65535},
			"flow.udp.10.0.0.1:0>10.0.0.2:65535"},
		{{.src = "255.255.255.255",
			 .dst = "255.255.255.255",
			 .proto = 132,
			 .sport = 65535,
			 .dport = 65535},
			"flow.sctp.255.255.255.255:65535>255.255.255.255:65535"},
		{{.src = "10.0.0.1", .dst = "10.0.0.2", .proto = 1}, "flow.icmp.10.0.0.1>10.0.0.2"},
		{{.src = "10.0.0.1", .dst = "10.0.0.2", .proto = 47}, "flow.proto47.10.0.0.1>10.0.0.2"},
		{{.src = "10.0.0.1", .dst = "10.0.0.2", .proto = 6, .dport = 80, .fragment_offset = 8},
			"flow.tcp.10.0.0.1>10.0.0.2"},
		{{.src = "fe80::1", .dst = "ff02::fb", .proto = 17, .sport = 5353, .dport = 5353},
			"flow.udp.[fe80::1]:5353>[ff02::fb]:5353"},
		{{.src = "::", .dst = "ff02::1", .proto = 58}, "flow.icmp6.[::]>[ff02::1]"},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		see(&rows[i].in);
		assert_int_equal(host_metric(rows[i].name), 1);
		see(&rows[i].in);
		assert_int_equal(host_metric(rows[i].name), 2);
		assert_int_equal(host_metric("flows.active"), i + 1);
	}
}

static void
long_names_are_cut_and_stay_apart(void **state)
{
	struct mon_flow flow = {.version = 6, .proto = 6, .has_ports = 1, .sport = 1000};
	char name[200][HV_METRIC_NAME], full[MON_NAME_FULL];

	(void)state;
	memset(flow.src.byte, 0x21, 16);
	memset(flow.dst.byte, 0x22, 16);
	for (unsigned i = 0; i < 200; i++) {
		flow.dport = (uint16_t)i;
		assert_true(mon_flow_name(&flow, name[i], full));
		assert_int_equal(strlen(name[i]), HV_METRIC_NAME - 1);
		assert_memory_equal(name[i], "flow.tcp.[2121:2121:2121:2121:2121:212~", 39);
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(name[i], name[k]);
	}
	assert_string_equal(full, "flow.tcp.[2121:2121:2121:2121:2121:2121:2121:2121]:1000>"
				  "[2222:2222:2222:2222:2222:2222:2222:2222]:199");
}

static void
the_longest_name_fits_its_room(void **state)
{
	struct mon_flow flow = {.version = 6, .proto = 255, .has_ports = 1, .sport = 65535, .dport = 65535};
	char name[HV_METRIC_NAME], full[MON_NAME_FULL];

	(void)state;
	memset(&flow.src, 0xff, 16);
	memset(&flow.dst, 0xff, 16);
	assert_true(mon_flow_name(&flow, name, full));
	assert_int_equal(full[strlen(full) - 1], '5');
	assert_true(strlen(full) < MON_NAME_FULL - 1);
}

static void
the_console_tells_a_cut_name_in_full(void **state)
{
	static const struct inner in = {.src = "2001:db8:1111:2222:3333:4444:5555:6666",
		.dst = "2001:db8:1111:2222:3333:4444:5555:7777",
		.proto = 6,
		.sport = 40000,
		.dport = 443};
	const char *line;
	char name[HV_METRIC_NAME + 1];

	(void)state;
	see(&in);
	line = strchr(host_console(), '~');
	assert_non_null(line);
	assert_memory_equal(line + 17, " is flow.tcp.[2001:db8:1111:2222:3333:4444:5555:6666]:40000>", 60);
	snprintf(name, sizeof(name), "flow.tcp.[2001:db8:1111:2222:3333:4444%.17s", line);
	assert_int_equal(host_metric(name), 1);
}

static void
totals_count_packets_and_bytes(void **state)
{
	static const struct {
		struct inner in;
		const char *name;
	} rows[] = {
		{{.src = "10.0.0.1", .dst = "10.0.0.2", .proto = 6}, "tcp"},
		{{.src = "10.0.0.1", .dst = "10.0.0.2", .proto = 17, .tags = 2}, "udp"},
		{{.src = "10.0.0.1", .dst = "10.0.0.2", .proto = 1}, "icmp"},
		{{.src = "::1", .dst = "::2", .proto = 58}, "icmp6"},
		{{.src = "::1", .dst = "::2", .proto = 132}, "sctp"},
		{{.src = "::1", .dst = "::2", .proto = 50}, "other-ip"},
		{{.ether_type = 0x0806}, "arp"},
		{{.ether_type = 0x88cc}, "other"},
	};
	char name[64];

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t size = see(&rows[i].in) + see(&rows[i].in);

		snprintf(name, sizeof(name), "proto.%s.packets", rows[i].name);
		assert_int_equal(host_metric(name), 2);
		snprintf(name, sizeof(name), "proto.%s.bytes", rows[i].name);
		assert_int_equal(host_metric(name), size);
	}
	assert_int_equal(host_metric("flows.active"), 6);
}

static void
a_full_table_counts_what_it_cannot_track(void **state)
{
	struct inner in = {.dst = "10.255.255.255", .proto = 17, .sport = 9, .dport = 9};
	char address[32];

	(void)state;
	for (unsigned i = 0; i < MON_FLOWS_MAX + 50; i++) {
		snprintf(address, sizeof(address), "10.0.%u.%u", i / 256, i % 256);
		in.src = address;
		see(&in);
	}
	assert_int_equal(host_metric("flows.active") + host_metric("flows.untracked"), MON_FLOWS_MAX + 50);
	assert_int_equal(host_metric("flows.active"), MON_FLOWS_MAX);
	in.src = "10.0.0.7";
	see(&in);
	assert_int_equal(host_metric("flow.udp.10.0.0.7:9>10.255.255.255:9"), 2);
	assert_int_equal(host_metric("proto.udp.packets"), MON_FLOWS_MAX + 51);
}

static void
arguments_are_refused(void **state)
{
	static char word[] = "fast";
	char *argv[] = {word};

	(void)state;
	assert_int_equal(vnf_init(1, argv), 1);
	assert_non_null(strstr(host_console(), "takes no arguments, got \"fast\""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(flows_have_names_people_can_read, setup),
		cmocka_unit_test_setup(long_names_are_cut_and_stay_apart, setup),
		cmocka_unit_test_setup(the_longest_name_fits_its_room, setup),
		cmocka_unit_test_setup(the_console_tells_a_cut_name_in_full, setup),
		cmocka_unit_test_setup(totals_count_packets_and_bytes, setup),
		cmocka_unit_test_setup(a_full_table_counts_what_it_cannot_track, setup),
		cmocka_unit_test_setup(arguments_are_refused, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
