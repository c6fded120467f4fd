#include "nsh_ipv6.h"

/* IANA "Protocol Numbers", those that are IPv6 extension headers; RFC 8200, 4.1. */
enum {
	HOP_BY_HOP = 0,
	ROUTING = 43,
	FRAGMENT = 44,
	DESTINATION = 60,
};

#define FRAGMENT_SIZE        8      /* RFC 8200, 4.5 */
#define FRAGMENT_OFFSET_MASK 0xFFF8 /* RFC 8200, 4.5 */
#define FRAGMENT_MORE        0x0001
#define OPTION_PAD1          0    /* the one option without a length; RFC 8200, 4.2 */
#define OPTION_ACTION_MASK   0xC0 /* what to do with an unknown option: 0 = skip it; RFC 8200, 4.2 */

/* We know no option but padding. */
static bool
options_ok(const uint8_t *options, size_t size)
{
	size_t at = 0;

	while (at < size) {
		if (options[at] == OPTION_PAD1) {
			at++;
			continue;
		}
		if ((options[at] & OPTION_ACTION_MASK) != 0 || size - at < 2)
			return false;
		at += 2 + (size_t)options[at + 1];
	}
	return at == size;
}

/* One header of 8-byte units, its length and content checked; RFC 8200, 4.3, 4.4 and 4.6. */
static enum nsh_ipv6_verdict
check_ext(const uint8_t *ext, size_t avail, size_t left, uint8_t type, size_t *size)
{
	if (left < 8)
		return NSH_IPV6_HEADER;
	if (avail < 8)
		return NSH_IPV6_TRUNCATED;
	*size = 8 + (size_t)ext[1] * 8;
	if (*size > left || *size > NSH_IPV6_EXT_SIZE_MAX)
		return NSH_IPV6_HEADER;
	if (avail < *size)
		return NSH_IPV6_TRUNCATED;
	if (type == ROUTING) /* Segments Left: not 0 = we are not where the packet goes */
		return ext[3] == 0 ? NSH_IPV6_OK : NSH_IPV6_HEADER;
	return options_ok(ext + 2, *size - 2) ? NSH_IPV6_OK : NSH_IPV6_HEADER;
}

/* bytes are those of the packet, at the offset of the first extension header in upper. */
static enum nsh_ipv6_verdict
walk(const uint8_t *bytes, size_t avail, struct nsh_ipv6_upper *upper)
{
	for (unsigned int count = 0;; count++) {
		const uint8_t *ext = bytes + upper->at;
		enum nsh_ipv6_verdict verdict;
		size_t size;

		if (upper->protocol != ROUTING && upper->protocol != DESTINATION &&
			upper->protocol != FRAGMENT && upper->protocol != HOP_BY_HOP)
			return NSH_IPV6_OK;
		if (count == NSH_IPV6_EXT_COUNT_MAX || (upper->protocol == HOP_BY_HOP && count > 0))
			return NSH_IPV6_HEADER;
		if (upper->protocol == FRAGMENT) {
			uint16_t offset;

			if (upper->size < FRAGMENT_SIZE)
				return NSH_IPV6_HEADER;
			if (avail - upper->at < FRAGMENT_SIZE)
				return NSH_IPV6_TRUNCATED;
			size = FRAGMENT_SIZE;
			offset = (uint16_t)(ext[2] << 8 | ext[3]);
			upper->first = (offset & FRAGMENT_OFFSET_MASK) == 0;
			verdict = !upper->first || (offset & FRAGMENT_MORE) ? NSH_IPV6_FRAGMENT : NSH_IPV6_OK;
		} else {
			verdict = check_ext(ext, avail - upper->at, upper->size, upper->protocol, &size);
			if (verdict != NSH_IPV6_OK)
				return verdict;
		}
		upper->protocol = ext[0];
		upper->at += (uint16_t)size;
		upper->size -= (uint16_t)size;
		if (verdict != NSH_IPV6_OK)
			return verdict;
	}
}

enum nsh_ipv6_verdict
nsh_ipv6_walk(const void *packet, size_t avail, size_t packet_size, struct nsh_ipv6_upper *upper)
{
	const struct nsh_ipv6_hdr *ip = (const struct nsh_ipv6_hdr *)packet;
	struct nsh_ipv6_upper found = {.at = NSH_IPV6_SIZE, .first = true};
	enum nsh_ipv6_verdict verdict;

	if (avail > packet_size)
		avail = packet_size;
	if (avail < NSH_IPV6_SIZE)
		return NSH_IPV6_TRUNCATED;
	found.protocol = ip->next_header;
	found.size = rte_be_to_cpu_16(ip->payload_size);
	if (rte_be_to_cpu_32(ip->version_tc_label) >> 28 != 6 || found.size > packet_size - NSH_IPV6_SIZE)
		return NSH_IPV6_HEADER;
	verdict = walk((const uint8_t *)packet, avail, &found);
	if (verdict == NSH_IPV6_OK || verdict == NSH_IPV6_FRAGMENT)
		*upper = found;
	return verdict;
}
