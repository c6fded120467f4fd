#include "fw_rule.h"

#define WORDS_MAX 5u

struct word {
	const char *text;
	size_t len;
};

static bool
word_is(const struct word *word, const char *text)
{
	return strlen(text) == word->len && memcmp(word->text, text, word->len) == 0;
}

/* A word for a message: a copy that ends, cut to what a line holds. */
static const char *
shown(const struct word *word, char copy[40])
{
	size_t len = word->len < 39 ? word->len : 39;

	memcpy(copy, word->text, len);
	copy[len] = '\0';
	return copy;
}

static bool
refuse(char *why, const char *what, const struct word *word, const char *want)
{
	char copy[40];

	vnf_format(why, FW_WHY_SIZE, "%s \"%s\": want %s", what, shown(word, copy), want);
	return false;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Split into at most WORDS_MAX + 1 words; one too many tells that there are too many. */
static unsigned
split(const char *text, struct word word[WORDS_MAX + 1])
{
	unsigned n = 0;

	while (n <= WORDS_MAX) {
		while (is_blank(*text))
			text++;
		if (!*text)
			break;
		word[n].text = text;
		while (*text && !is_blank(*text))
			text++;
		word[n].len = (size_t)(text - word[n].text);
		n++;
	}
	return n;
}

/* A decimal number without sign, at most `max`, that fills the whole word. */
static bool
scan_number(const char *text, size_t len, uint32_t max, uint32_t *value)
{
	*value = 0;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		*value = *value * 10 + (uint32_t)(text[i] - '0');
		if (*value > max)
			return false;
	}
	return len > 0;
}

static bool
parse_proto(const struct word *word, struct fw_rule *rule)
{
	static const struct {
		const char *name;
		uint8_t proto;
	} known[] = {{"tcp", 6}, {"udp", 17}, {"icmp", 1}, {"icmp6", 58}};
	uint32_t number;

	rule->any_proto = word_is(word, "any");
	if (rule->any_proto)
		return true;
	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (word_is(word, known[i].name)) {
			rule->proto = known[i].proto;
			return true;
		}
	}
	if (!scan_number(word->text, word->len, 255, &number))
		return false;
	rule->proto = (uint8_t)number;
	return true;
}

static bool
parse_net(const struct word *word, struct fw_net *net)
{
	size_t slash = 0;
	uint32_t bits, most;

	if (word_is(word, "any"))
		return true;
	while (slash < word->len && word->text[slash] != '/')
		slash++;
	net->version = vnf_addr_scan(word->text, slash, &net->addr);
	if (!net->version)
		return false;
	bits = most = net->version == 4 ? 32 : 128;
	if (slash < word->len && !scan_number(word->text + slash + 1, word->len - slash - 1, most, &bits))
		return false;
	for (unsigned i = 0; i < 16 && bits; i++) {
		uint32_t here = bits < 8 ? bits : 8;

		net->mask.byte[i] = (uint8_t)(0xff00u >> here);
		bits -= here;
	}
	return true;
}

/* One PORT or LOW-HIGH. */
static bool
parse_range(const char *text, size_t len, struct fw_rule *rule)
{
	uint32_t low, high;
	size_t dash = 0;

	while (dash < len && text[dash] != '-')
		dash++;
	if (!scan_number(text, dash, 65535, &low))
		return false;
	high = low;
	if (dash < len && !scan_number(text + dash + 1, len - dash - 1, 65535, &high))
		return false;
	if (high < low || rule->ranges == FW_PORTS_MAX)
		return false;
	rule->port[rule->ranges].low = (uint16_t)low;
	rule->port[rule->ranges++].high = (uint16_t)high;
	return true;
}

static bool
parse_ports(const struct word *word, struct fw_rule *rule)
{
	size_t at = 0;

	for (;;) {
		size_t end = at;

		while (end < word->len && word->text[end] != ',')
			end++;
		if (!parse_range(word->text + at, end - at, rule))
			return false;
		if (end == word->len)
			return true;
		at = end + 1;
	}
}

static bool
may_have_ports(const struct fw_rule *rule)
{
	static const uint8_t with_ports[] = {6, 17, 33, 132, 136};

	for (unsigned i = 0; i < sizeof(with_ports); i++) {
		if (rule->proto == with_ports[i])
			return true;
	}
	return rule->any_proto;
}

bool
fw_rule_parse(const char *text, struct fw_rule *rule, char why[FW_WHY_SIZE])
{
	struct word word[WORDS_MAX + 1];
	unsigned words = split(text, word);

	memset(rule, 0, sizeof(*rule));
	if (words < 4 || words > WORDS_MAX) {
		vnf_format(why, FW_WHY_SIZE, "%s words: want allow|deny PROTO SRC DST [DPORTS]",
			words < 4 ? "too few" : "too many");
		return false;
	}
	rule->allow = word_is(&word[0], "allow");
	if (!rule->allow && !word_is(&word[0], "deny"))
		return refuse(why, "action", &word[0], "allow or deny");
	if (!parse_proto(&word[1], rule))
		return refuse(why, "protocol", &word[1], "any, tcp, udp, icmp, icmp6 or 0-255");
	if (!parse_net(&word[2], &rule->src))
		return refuse(why, "source", &word[2], "any, IPv4[/0-32] or IPv6[/0-128]");
	if (!parse_net(&word[3], &rule->dst))
		return refuse(why, "destination", &word[3], "any, IPv4[/0-32] or IPv6[/0-128]");
	if (rule->src.version && rule->dst.version && rule->src.version != rule->dst.version)
		return refuse(why, "destination", &word[3], "the IP version of the source");
	if (words < 5)
		return true;
	if (!may_have_ports(rule))
		return refuse(why, "ports with protocol", &word[1], "tcp, udp, 33, 132, 136 or any");
	if (!parse_ports(&word[4], rule))
		return refuse(why, "ports", &word[4], "up to 16 of 0-65535 or LOW-HIGH, with commas");
	return true;
}

static bool
net_match(const struct fw_net *net, unsigned version, const union vnf_addr *addr)
{
	uint64_t differ = 0;

	if (!net->version)
		return true;
	for (unsigned i = 0; i < 2; i++)
		differ |= (net->addr.half[i] ^ addr->half[i]) & net->mask.half[i];
	return net->version == version && differ == 0;
}

bool
fw_rule_match(const struct fw_rule *rule, const struct vnf_ip *ip)
{
	bool port = rule->ranges == 0;

	if (!rule->any_proto && (ip->version == 0 || rule->proto != ip->proto))
		return false;
	if (!net_match(&rule->src, ip->version, &ip->src) || !net_match(&rule->dst, ip->version, &ip->dst))
		return false;
	for (unsigned i = 0; i < rule->ranges && ip->has_ports; i++)
		port = port || (ip->dport >= rule->port[i].low && ip->dport <= rule->port[i].high);
	return port;
}
