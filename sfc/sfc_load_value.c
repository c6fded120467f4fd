#include "sfc_load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
sfc_value_addr(const char *text, bool prefix, struct sfc_addr *addr)
{
	const char *slash = strchr(text, '/');
	size_t size = slash ? (size_t)(slash - text) : strlen(text);
	char address[INET6_ADDRSTRLEN];
	bool v6 = memchr(text, ':', size) != NULL;
	long plen = v6 ? 128 : 32;

	*addr = (struct sfc_addr){0};
	if (size >= sizeof(address) || (slash && !prefix))
		return -EINVAL;
	memcpy(address, text, size);
	address[size] = '\0';
	if (inet_pton(v6 ? AF_INET6 : AF_INET, address, addr->bytes) != 1)
		return -EINVAL;
	if (slash) {
		char *end;
		long given = strtol(slash + 1, &end, 10);

		if (end == slash + 1 || *end || slash[1] == '-' || slash[1] == '+' || given > plen)
			return -EINVAL;
		plen = given;
	}
	addr->family = v6 ? 6 : 4;
	addr->plen = (uint8_t)plen;
	return 0;
}

void
sfc_value_mask(struct sfc_addr *addr)
{
	unsigned int i;

	for (i = 0; i < sizeof(addr->bytes); i++) {
		unsigned int keep = addr->plen > 8 * i ? addr->plen - 8 * i : 0;

		if (keep < 8)
			addr->bytes[i] &= (uint8_t)(0xff00u >> keep);
	}
}

int
sfc_value_mac(const char *text, uint8_t mac[6])
{
	static const uint8_t zero[6];
	unsigned int i, byte[6];

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x", &byte[0], &byte[1], &byte[2], &byte[3], &byte[4],
		    &byte[5]) != 6)
		return -EINVAL;
	for (i = 0; i < 6; i++)
		mac[i] = (uint8_t)byte[i];
	return mac[0] & 1 || !memcmp(mac, zero, 6) ? -EINVAL : 0;
}

int
sfc_value_protocol(const char *text, int *protocol)
{
	/* IANA "Assigned Internet Protocol Numbers" */
	static const struct {
		const char *name;
		int number;
	} known[] = {{"any", -1}, {"icmp", 1}, {"tcp", 6}, {"udp", 17}, {"icmpv6", 58}, {"sctp", 132}};
	unsigned int i;
	char *end;
	long number;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (!strcmp(text, known[i].name)) {
			*protocol = known[i].number;
			return 0;
		}
	}
	number = strtol(text, &end, 10);
	*protocol = (int)number;
	return end == text || *end || number < 0 || number > 255 ? -EINVAL : 0;
}

int
sfc_value_range(const char **text, struct sfc_range *range)
{
	const char *start = *text;
	char *end;
	long low, high;

	low = high = strtol(start, &end, 10);
	if (end == start)
		return -EINVAL;
	end += strspn(end, " ");
	if (*end == '-') {
		start = end + 1;
		high = strtol(start, &end, 10);
		if (end == start)
			return -EINVAL;
		end += strspn(end, " ");
	}
	if (low < 0 || low > 65535 || high < 0 || high > 65535 || low > high || (*end && *end != ','))
		return -EINVAL;
	*text = *end ? end + 1 : NULL;
	*range = (struct sfc_range){(uint16_t)low, (uint16_t)high};
	return 0;
}
