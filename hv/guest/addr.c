#include "vnf.h"

#define NO_GAP 99u /* more bytes than an address has */

/* Longest run of at least two zero groups (RFC 5952, 4.2); the first one wins. */
static unsigned
longest_zero_run(const uint16_t group[8], unsigned *length)
{
	unsigned best = 8;

	*length = 1;
	for (unsigned i = 0; i < 8; i++) {
		unsigned n = 0;

		while (i + n < 8 && group[i + n] == 0)
			n++;
		if (n > *length) {
			*length = n;
			best = i;
		}
	}
	return best;
}

size_t
vnf_addr_format(char text[VNF_ADDR_TEXT], unsigned version, const union vnf_addr *addr)
{
	const uint8_t *byte = addr->byte;
	unsigned run, run_length;
	uint16_t group[8];
	size_t at = 0;

	if (version == 4)
		return vnf_format(text, VNF_ADDR_TEXT, "%u.%u.%u.%u", byte[0], byte[1], byte[2], byte[3]);
	for (unsigned i = 0; i < 8; i++)
		group[i] = (uint16_t)(byte[2 * i] << 8 | byte[2 * i + 1]);
	run = longest_zero_run(group, &run_length);
	/* An IPv4-mapped address keeps its dotted form (RFC 5952, 5). */
	if (run == 0 && run_length == 5 && group[5] == 0xffff)
		return vnf_format(
			text, VNF_ADDR_TEXT, "::ffff:%u.%u.%u.%u", byte[12], byte[13], byte[14], byte[15]);
	for (unsigned i = 0; i < 8; i++) {
		if (i == run) {
			at += vnf_format(text + at, VNF_ADDR_TEXT - at, "::");
			i += run_length - 1;
		} else {
			const char *colon = i == 0 || i == run + run_length ? "" : ":";

			at += vnf_format(text + at, VNF_ADDR_TEXT - at, "%s%x", colon, group[i]);
		}
	}
	return at;
}

static int
digit(char c, unsigned base)
{
	int value = -1;

	if (c >= '0' && c <= '9')
		value = c - '0';
	else if (c >= 'a' && c <= 'f')
		value = c - 'a' + 10;
	else if (c >= 'A' && c <= 'F')
		value = c - 'A' + 10;
	return value < (int)base ? value : -1;
}

static bool
scan_ipv4(const char *text, size_t len, uint8_t byte[4])
{
	size_t at = 0;

	for (unsigned i = 0; i < 4; i++) {
		unsigned value = 0;
		size_t start;

		if (i && (at >= len || text[at++] != '.'))
			return false;
		for (start = at; at < len && digit(text[at], 10) >= 0 && at - start < 3; at++)
			value = value * 10 + (unsigned)digit(text[at], 10);
		/* 010 means 8 to some and 10 to others: refused, as inet_pton() does. */
		if (at == start || value > 255 || (text[start] == '0' && at - start > 1))
			return false;
		byte[i] = (uint8_t)value;
	}
	return at == len;
}

/* RFC 4291, 2.2: groups of up to four digits, one "::", and perhaps IPv4 at the end. */
static bool
scan_ipv6(const char *text, size_t len, uint8_t byte[16])
{
	uint8_t head[16] = {0};
	unsigned n = 0, gap = NO_GAP; /* bytes read; how many before "::" */
	size_t at = 0;

	if (len >= 2 && text[0] == ':' && text[1] == ':') {
		gap = 0;
		at = 2;
	}
	while (at < len) {
		unsigned value = 0;
		size_t start = at;

		if (n > 14)
			return false;
		for (; at < len && digit(text[at], 16) >= 0 && at - start < 4; at++)
			value = value << 4 | (unsigned)digit(text[at], 16);
		if (at < len && text[at] == '.') {
			if (n > 12 || !scan_ipv4(text + start, len - start, head + n))
				return false;
			n += 4;
			break;
		}
		if (at == start)
			return false;
		head[n++] = (uint8_t)(value >> 8);
		head[n++] = (uint8_t)value;
		if (at == len)
			break;
		if (text[at++] != ':' || at == len)
			return false;
		if (text[at] == ':') {
			if (gap != NO_GAP)
				return false;
			gap = n;
			at++;
		}
	}
	if (gap == NO_GAP ? n != 16 : n > 14)
		return false;
	memset(byte, 0, 16);
	for (unsigned i = 0; i < n; i++)
		byte[i < gap ? i : 16 - n + i] = head[i];
	return true;
}

unsigned
vnf_addr_scan(const char *text, size_t len, union vnf_addr *addr)
{
	memset(addr, 0, sizeof(*addr));
	if (scan_ipv4(text, len, addr->byte))
		return 4;
	memset(addr, 0, sizeof(*addr));
	return scan_ipv6(text, len, addr->byte) ? 6 : 0;
}
