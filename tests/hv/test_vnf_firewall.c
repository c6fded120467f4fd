/* The firewall image: rule text, matching, verdicts and metrics, from its own source. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fw_rule.h"
#include "vnf_host.h"
#include "vnf_inner.h"

static int
setup(void **state)
{
	(void)state;
	host_init();
	return 0;
}

static void
good_rules_are_read(void **state)
{
	static const char *const texts[] = {
		"allow any any any",
		"deny udp any any 53",
		"deny tcp 10.0.0.0/8 192.0.2.1 80,443,8000-8080",
		"  deny\ttcp  any any   0-65535  ",
		"allow icmp 0.0.0.0/0 any",
		"allow icmp6 fe80::/10 ff02::1",
		"deny 47 2001:db8::/32 ::/0",
		"deny 0 any any",
		"deny 255 any any",
		"deny 132 any any 3868",
		"deny any any any 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16",
		"deny tcp ::ffff:10.0.0.1/128 any",
	};
	char why[FW_WHY_SIZE];
	struct fw_rule rule;

	(void)state;
	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (!fw_rule_parse(texts[i], &rule, why))
			fail_msg("\"%s\" refused: %s", texts[i], why);
		assert_int_equal(rule.allow, strncmp(texts[i], "allow", 5) == 0);
	}
	assert_true(fw_rule_parse(texts[2], &rule, why));
	assert_int_equal(rule.proto, 6);
	assert_int_equal(rule.src.version, 4);
	assert_memory_equal(rule.src.mask.byte, "\xff\0\0\0", 4);
	assert_int_equal(rule.ranges, 3);
	assert_int_equal(rule.port[2].low, 8000);
	assert_int_equal(rule.port[2].high, 8080);
}

static void
bad_rules_are_refused_with_their_word(void **state)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{"", "too few words"},
		{"deny tcp any", "too few words"},
		{"deny tcp any any 80 90", "too many words"},
		{"drop tcp any any", "action \"drop\": want allow or deny"},
		{"deny tpc any any", "protocol \"tpc\""},
		{"deny 256 any any", "protocol \"256\""},
		{"deny -1 any any", "protocol \"-1\""},
		{"deny tcp 10.0.0/8 any", "source \"10.0.0/8\""},
		{"deny tcp 10.0.0.0/33 any", "source \"10.0.0.0/33\""},
		{"deny tcp 10.0.0.0/ any", "source \"10.0.0.0/\""},
		{"deny tcp any ::/129", "destination \"::/129\""},
		{"deny tcp any host", "destination \"host\""},
		{"deny tcp 10.0.0.1 ::1", "destination \"::1\": want the IP version of the source"},
		{"deny icmp any any 80", "ports with protocol \"icmp\""},
		{"deny 47 any any 80", "ports with protocol \"47\""},
		{"deny tcp any any 65536", "ports \"65536\""},
		{"deny tcp any any 80-", "ports \"80-\""},
		{"deny tcp any any 90-80", "ports \"90-80\""},
		{"deny tcp any any ,80", "ports \",80\""},
		{"deny tcp any any 80,", "ports \"80,\""},
		{"deny tcp any any 99999999999999999999", "ports \"99999999999999999999\""},
		{"deny tcp any any 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17", "ports \"1,2,3"},
	};
	char why[FW_WHY_SIZE];
	struct fw_rule rule;

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (fw_rule_parse(rows[i].text, &rule, why))
			fail_msg("\"%s\" accepted", rows[i].text);
		if (!strstr(why, rows[i].why))
			fail_msg("\"%s\": said \"%s\"", rows[i].text, why);
	}
}

struct match_row {
	const char *what;
	const char *rule;
	struct inner in;
	bool match;
};

static const struct match_row match_rows[] = {
	{"any matches IPv4", "deny any any any", {.src = "10.0.0.1", .dst = "10.0.0.2", .proto = 6}, true},
	{"any matches ARP", "deny any any any", {.ether_type = 0x0806}, true},
	{"any with ports matches no ARP", "deny any any any 0-65535", {.ether_type = 0x0806}, false},
	{"a protocol matches no ARP", "deny 0 any any", {.ether_type = 0x0806}, false},
	{"an address matches no ARP", "deny any 0.0.0.0/0 any", {.ether_type = 0x0806}, false},
	{"protocol equal", "deny udp any any", {.src = "10.0.0.1", .dst = "10.0.0.2", .proto = 17}, true},
	{"protocol other", "deny udp any any", {.src = "10.0.0.1", .dst = "10.0.0.2", .proto = 6}, false},
	{"IPv6 protocol", "deny udp any any", {.src = "fe80::1", .dst = "fe80::2", .proto = 17}, true},
	{"icmp6 by name", "deny icmp6 any any", {.src = "fe80::1", .dst = "fe80::2", .proto = 58}, true},
	{"source inside", "deny any 10.1.0.0/16 any", {.src = "10.1.255.1", .dst = "9.9.9.9", .proto = 6},
		true},
	{"source outside", "deny any 10.1.0.0/16 any", {.src = "10.2.0.1", .dst = "9.9.9.9", .proto = 6},
		false},
	{"host bits do not count", "deny any 10.1.2.3/16 any", {.src = "10.1.9.9", .dst = "9.9.9.9"}, true},
	{"/31", "deny any 10.0.0.2/31 any", {.src = "10.0.0.3", .dst = "9.9.9.9"}, true},
	{"/31 outside", "deny any 10.0.0.2/31 any", {.src = "10.0.0.4", .dst = "9.9.9.9"}, false},
	{"/0 is IPv4 only", "deny any 0.0.0.0/0 any", {.src = "::1", .dst = "::2"}, false},
	{"::/0 is IPv6 only", "deny any ::/0 any", {.src = "10.0.0.1", .dst = "10.0.0.2"}, false},
	{"destination", "deny any any 2001:db8::/33", {.src = "::1", .dst = "2001:db8:7fff::1"}, true},
	{"destination outside", "deny any any 2001:db8::/33", {.src = "::1", .dst = "2001:db8:8000::1"},
		false},
	{"bare address", "deny any any 10.0.0.2", {.src = "10.0.0.1", .dst = "10.0.0.2"}, true},
	{"bare address other", "deny any any 10.0.0.2", {.src = "10.0.0.1", .dst = "10.0.0.3"}, false},
	{"port", "deny udp any any 53", {.src = "1.1.1.1", .dst = "2.2.2.2", .proto = 17, .dport = 53}, true},
	{"source port is not it", "deny udp any any 53",
		{.src = "1.1.1.1", .dst = "2.2.2.2", .proto = 17, .sport = 53, .dport = 99}, false},
	{"low end", "deny tcp any any 80,8000-8080",
		{.src = "1.1.1.1", .dst = "2.2.2.2", .proto = 6, .dport = 8000}, true},
	{"high end", "deny tcp any any 80,8000-8080",
		{.src = "1.1.1.1", .dst = "2.2.2.2", .proto = 6, .dport = 8080}, true},
	{"between", "deny tcp any any 80,8000-8080",
		{.src = "1.1.1.1", .dst = "2.2.2.2", .proto = 6, .dport = 81}, false},
	{"any with ports, udp", "deny any any any 53",
		{.src = "1.1.1.1", .dst = "2.2.2.2", .proto = 17, .dport = 53}, true},
	{"any with ports, no ports", "deny any any any 0-65535",
		{.src = "1.1.1.1", .dst = "2.2.2.2", .proto = 1}, false},
	{"IPv6 port", "deny tcp any any 443", {.src = "::1", .dst = "::2", .proto = 6, .dport = 443}, true},
	{"one tag", "deny udp any any 53",
		{.src = "1.1.1.1", .dst = "2.2.2.2", .proto = 17, .dport = 53, .tags = 1}, true},
	{"two tags", "deny udp any any 53",
		{.src = "1.1.1.1", .dst = "2.2.2.2", .proto = 17, .dport = 53, .tags = 2}, true},
	{"two tags, IPv6", "deny udp any any 53",
		{.src = "::1", .dst = "::2", .proto = 17, .dport = 53, .tags = 2}, true},
	{"three tags hide", "deny udp any any 53",
		{.src = "1.1.1.1", .dst = "2.2.2.2", .proto = 17, .dport = 53, .tags = 3}, false},
	{"later fragment, ports", "deny udp any any 53",
		{.src = "1.1.1.1", .dst = "2.2.2.2", .proto = 17, .dport = 53, .fragment_offset = 1480},
		false},
	{"later fragment, no ports", "deny udp any any",
		{.src = "1.1.1.1", .dst = "2.2.2.2", .proto = 17, .dport = 53, .fragment_offset = 1480},
		true},
	{"later IPv6 fragment, ports", "deny udp any any 53",
		{.src = "::1", .dst = "::2", .proto = 17, .dport = 53, .fragment_offset = 1480}, false},
	{"later IPv6 fragment, no ports", "deny udp any any",
		{.src = "::1", .dst = "::2", .proto = 17, .dport = 53, .fragment_offset = 1480}, true},
	{"extension headers", "deny udp any any 53",
		{.src = "::1", .dst = "::2", .proto = 17, .dport = 53, .extensions = 3}, true},
	{"extension headers and AH", "deny udp any any 53",
		{.src = "::1", .dst = "::2", .proto = 17, .dport = 53, .extensions = 4}, true},
	{"more extension headers than RFC 8200 knows", "deny udp any any",
		{.src = "::1", .dst = "::2", .proto = 17, .dport = 53, .extensions = 9}, false},
	{"extension headers and a fragment", "deny udp ::1 any",
		{.src = "::1", .dst = "::2", .proto = 17, .dport = 53, .extensions = 3, .fragment_offset = 8},
		true},
	{"ports cut off", "deny udp any any 0-65535",
		{.src = "1.1.1.1", .dst = "2.2.2.2", .proto = 17, .l4_size = 3}, false},
	{"ports cut off, no ports", "deny udp any any",
		{.src = "1.1.1.1", .dst = "2.2.2.2", .proto = 17, .l4_size = 3}, true},
};

/* All three payloads a packet can be in must give the same answer. */
static void
packets_match_as_the_table_says(void **state)
{
	char why[FW_WHY_SIZE];

	(void)state;
	for (unsigned i = 0; i < sizeof(match_rows) / sizeof(match_rows[0]); i++) {
		const struct match_row *row = &match_rows[i];
		struct fw_rule rule;
		struct vnf_pkt pkt;
		struct vnf_ip ip;
		uint8_t bytes[512];

		assert_true(fw_rule_parse(row->rule, &rule, why));
		pkt = host_packet(VNF_NP_ETHERNET, bytes, inner_ether(bytes, &row->in));
		vnf_ip_parse(&pkt, &ip);
		if (fw_rule_match(&rule, &ip) != row->match)
			fail_msg("%s: Ethernet: not %d", row->what, row->match);
		if (!row->in.src || row->in.tags)
			continue;
		pkt = host_packet(strchr(row->in.src, ':') ? VNF_NP_IPV6 : VNF_NP_IPV4, bytes,
			inner_ip(bytes, &row->in));
		vnf_ip_parse(&pkt, &ip);
		if (fw_rule_match(&rule, &ip) != row->match)
			fail_msg("%s: IP: not %d", row->what, row->match);
	}
}

static void
every_cut_of_a_packet_is_safe(void **state)
{
	static const struct inner in = {.src = "2001:db8::1",
		.dst = "2001:db8::2",
		.proto = 17,
		.dport = 53,
		.tags = 2,
		.extensions = 3};
	uint8_t whole[512];
	uint32_t size = inner_ether(whole, &in);

	(void)state;
	for (uint32_t len = 0; len <= size; len++) {
		uint8_t *cut = malloc(len + 1); /* exact but for a size of 0 */
		uint8_t *end = cut + 1;
		struct vnf_pkt pkt = host_packet(VNF_NP_ETHERNET, end, len);
		struct vnf_ip ip;

		memcpy(end, whole, len);
		vnf_ip_parse(&pkt, &ip);
		assert_int_equal(ip.has_ports, len >= size - 16);
		assert_int_equal(ip.version, len >= 22 + 40 ? 6 : 0);
		free(cut);
	}
}

static void
headers_that_lie_are_no_ip(void **state)
{
	static const struct inner in = {.src = "1.1.1.1", .dst = "2.2.2.2", .proto = 17, .dport = 53};
	static const struct {
		unsigned at;
		uint8_t value;
	} lies[] = {{0, 0x55}, {0, 0x44}, {0, 0x4f}, {3, 19}};
	uint8_t bytes[512];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		uint32_t size = inner_ip(bytes, &in);
		struct vnf_pkt pkt = host_packet(VNF_NP_IPV4, bytes, size);
		struct vnf_ip ip;

		assert_true(vnf_ip_parse(&pkt, &ip));
		bytes[lies[i].at] = lies[i].value;
		assert_false(vnf_ip_parse(&pkt, &ip));
		assert_null(ip.header);
	}
}

static enum vnf_verdict
judge(const struct inner *in)
{
	uint8_t bytes[512];
	struct vnf_pkt pkt = host_packet(VNF_NP_ETHERNET, bytes, inner_ether(bytes, in));

	return vnf_packet(&pkt);
}

static void
the_first_match_wins_and_is_counted(void **state)
{
	static const struct inner dns = {.src = "10.0.0.1", .dst = "8.8.8.8", .proto = 17, .dport = 53};
	static const struct inner own_dns = {.src = "10.0.0.1", .dst = "10.0.0.53", .proto = 17, .dport = 53};
	static const struct inner web = {.src = "10.0.0.1", .dst = "8.8.8.8", .proto = 6, .dport = 80};
	static char rules[][40] = {"allow udp any 10.0.0.0/8 53", "deny udp any any 53", "deny udp any any"};
	char *argv[] = {rules[0], rules[1], rules[2]};

	(void)state;
	assert_int_equal(vnf_init(3, argv), 0);
	assert_int_equal(judge(&dns), VNF_DROP);
	assert_int_equal(judge(&dns), VNF_DROP);
	assert_int_equal(judge(&own_dns), VNF_PASS);
	assert_int_equal(judge(&web), VNF_PASS);
	assert_int_equal(host_metric("rule.1.packets"), 1);
	assert_int_equal(host_metric("rule.2.packets"), 2);
	assert_int_equal(host_metric("rule.3.packets"), 0);
	assert_int_equal(host_metric("default.packets"), 1);
	assert_non_null(strstr(host_console(), "firewall: rule 2: deny udp any any 53\n"));
}

static void
no_rules_let_everything_pass(void **state)
{
	static const struct inner arp = {.ether_type = 0x0806};

	(void)state;
	assert_int_equal(vnf_init(0, NULL), 0);
	assert_int_equal(judge(&arp), VNF_PASS);
	assert_int_equal(host_metric("default.packets"), 1);
}

static void
a_bad_rule_ends_the_image_and_says_why(void **state)
{
	static char good[] = "deny udp any any 53", bad[] = "deny tcp any any http";
	char *argv[] = {good, bad};

	(void)state;
	assert_int_equal(vnf_init(2, argv), 1);
	assert_non_null(strstr(
		host_console(), "argument 2, \"deny tcp any any http\": ports \"http\": want up to 16"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(good_rules_are_read, setup),
		cmocka_unit_test_setup(bad_rules_are_refused_with_their_word, setup),
		cmocka_unit_test_setup(packets_match_as_the_table_says, setup),
		cmocka_unit_test_setup(every_cut_of_a_packet_is_safe, setup),
		cmocka_unit_test_setup(headers_that_lie_are_no_ip, setup),
		cmocka_unit_test_setup(the_first_match_wins_and_is_counted, setup),
		cmocka_unit_test_setup(no_rules_let_everything_pass, setup),
		cmocka_unit_test_setup(a_bad_rule_ends_the_image_and_says_why, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
