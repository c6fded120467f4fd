/* The packets by which a node lives on its underlay, on any frame: ARP and neighbour discovery are read, and
 * what is answered reads back; an echo request becomes a reply that asks for none; a message that a packet
 * was too big never begets another. The checksums are also made right, else hardly any input would get past
 * them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "arp.h"
#include "icmp.h"
#include "nd.h"
#include "offload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t mac[ETH_MAC_SIZE] = {2, 0, 0, 0, 0, 1};

static void
expect(int condition)
{
	if (!condition)
		abort();
}

static void
check_arp(const uint8_t *packet, size_t size)
{
	struct arp_info info, again;
	uint8_t reply[ARP_SIZE];

	if (!arp_parse(packet, size, &info))
		return;
	arp_build_reply(reply, &info, mac);
	/* The target may be no one host: then nobody would believe the reply. */
	if (!arp_parse(reply, sizeof(reply), &again))
		return;
	expect(again.op == ARP_REPLY && again.sender == info.target && again.target == info.sender);
	expect(memcmp(again.sender_mac, mac, ETH_MAC_SIZE) == 0);
}

static void
check_nd(const uint8_t *packet, size_t avail, size_t size)
{
	struct nd_info info, again;
	uint8_t answer[ND_SIZE_MAX];

	if (nd_parse(packet, avail, size, &info) != ND_OK)
		return;
	expect(info.type == ND_SOLICITATION || info.type == ND_ADVERTISEMENT);
	if (info.type != ND_SOLICITATION)
		return;
	expect(nd_build_answer(answer, &info, mac) == sizeof(answer));
	expect(nd_parse(answer, sizeof(answer), sizeof(answer), &again) == ND_OK);
	expect(again.type == ND_ADVERTISEMENT && again.has_mac && memcmp(again.mac, mac, ETH_MAC_SIZE) == 0);
	expect(nsh_addr_equal(&again.target, &info.target));
}

static void
check_echo(uint8_t *frame, size_t size)
{
	union nsh_addr own = {{0}}, other = {{0}};
	struct eth_info eth;

	if (!eth_parse(frame, size, &eth))
		return;
	/* The address it is to, as far as there is one. */
	if (eth.type == ETH_IPV4 && size - eth.size >= NSH_IPV4_SIZE) {
		memcpy(own.bytes, frame + eth.size + 16, 4);
		memcpy(other.bytes, frame + eth.size + 12, 4);
	} else if (eth.type == ETH_IPV6 && size - eth.size >= NSH_IPV6_SIZE) {
		memcpy(own.bytes, frame + eth.size + 24, 16);
		memcpy(other.bytes, frame + eth.size + 8, 16);
	}
	if (icmp_echo_reply(frame, size, &own))
		expect(!icmp_echo_reply(frame, size, &other));
}

static void
check_too_big(const uint8_t *frame, size_t avail)
{
	uint8_t out[ICMP_TOO_BIG_MAX], again[ICMP_TOO_BIG_MAX];
	size_t size = icmp_too_big(out, frame, avail, NSH_IPV6_MTU_MIN, NULL);

	expect(size <= sizeof(out));
	expect(size == 0 || size >= ETH_HDR_SIZE + NSH_IPV4_SIZE + ICMP_HDR_SIZE + NSH_IPV4_SIZE + 8);
	if (size > 0)
		expect(icmp_too_big(again, out, size, NSH_IPV6_MTU_MIN, NULL) == 0);
}

/* A frame that was cut is the same to it as one whose end it cannot read, but for its checksum. */
static void
check_offload(const uint8_t *frame, size_t size)
{
	if (nsh_is_offloaded(frame, size / 2, size))
		expect(nsh_is_offloaded(frame, size, size));
}

static void
check(const uint8_t *data, size_t size)
{
	uint8_t *frame = calloc(1, size > 0 ? size : 1);
	struct eth_info eth;

	expect(frame != NULL);
	if (size > 0)
		memcpy(frame, data, size);
	if (eth_parse(frame, size, &eth)) {
		check_arp(frame + eth.size, size - eth.size);
		check_nd(frame + eth.size, size - eth.size, size - eth.size);
		check_nd(frame + eth.size, (size - eth.size) / 2, size - eth.size);
	}
	check_too_big(frame, size);
	check_offload(frame, size);
	check_echo(frame, size);
	free(frame);
}

/* Checksums of IPv4 and ICMP as they would have to be. */
static void
fix_checksums(uint8_t *frame, size_t size)
{
	struct eth_info eth;
	uint8_t *ip, *icmp;
	uint64_t sum = 0;
	rte_be16_t checksum;
	size_t left, icmp_size;

	if (!eth_parse(frame, size, &eth) || size - eth.size < NSH_IPV6_SIZE)
		return;
	ip = frame + eth.size;
	left = size - eth.size;
	if (eth.type == ETH_IPV4) {
		memset(ip + 10, 0, 2);
		checksum =
			(uint16_t)~nsh_sum(ip, (size_t)(ip[0] & 0xF) * 4 < left ? (ip[0] & 0xF) * 4 : left);
		memcpy(ip + 10, &checksum, 2);
		icmp = ip + NSH_IPV4_SIZE;
		icmp_size = (size_t)(ip[2] << 8 | ip[3]) - NSH_IPV4_SIZE;
		left -= NSH_IPV4_SIZE;
	} else {
		icmp = ip + NSH_IPV6_SIZE;
		icmp_size = (size_t)(ip[4] << 8 | ip[5]);
		left -= NSH_IPV6_SIZE;
		sum = nsh_sum_pseudo6(ip + 8, ip + 24, NSH_IPPROTO_ICMP6, (uint32_t)icmp_size);
	}
	if (icmp_size < ICMP_HDR_SIZE || icmp_size > left)
		return;
	memset(icmp + 2, 0, 2);
	checksum = nsh_sum_checksum(sum + nsh_sum(icmp, icmp_size));
	memcpy(icmp + 2, &checksum, 2);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *frame = calloc(1, size > 0 ? size : 1);

	expect(frame != NULL);
	check(data, size);
	if (size > 0)
		memcpy(frame, data, size);
	fix_checksums(frame, size);
	check(frame, size);
	free(frame);
	return 0;
}
