#include "guest.h"

#define ETHER_SIZE     14u
#define ETHER_TYPE_NSH 0x894fu
#define NSH_BASE_SIZE  8u /* Base Header and Service Path Header (RFC 8300, 2.1) */
#define NSH_MD1_WORDS  6u

static struct vnf_counter *drop_malformed, *drop_si_zero, *drop_policy;

void
vnf_service_init(void)
{
	drop_malformed = vnf_counter("drop.malformed");
	drop_si_zero = vnf_counter("drop.si-zero");
	drop_policy = vnf_counter("drop.policy");
}

/* Fill the NSH part of pkt. False: what is there cannot be forwarded (RFC 8300, 2.2). Context headers, TTL, O
 * and U bits are carried, not read: none of them is a service function's. */
static bool
nsh_read(struct vnf_pkt *pkt, uint32_t size)
{
	uint32_t readable = pkt->data_len - ETHER_SIZE;
	uint32_t word[2], length, md_type;

	pkt->nsh = pkt->data + ETHER_SIZE;
	if (readable < NSH_BASE_SIZE)
		return false;
	memcpy(word, pkt->nsh, sizeof(word));
	word[0] = __builtin_bswap32(word[0]);
	word[1] = __builtin_bswap32(word[1]);
	length = (word[0] >> 16 & 0x3f) * 4;
	md_type = word[0] >> 8 & 0xf;
	if (word[0] >> 30 != 0 || length < NSH_BASE_SIZE || length > readable)
		return false;
	if (md_type != 2 && !(md_type == 1 && length == NSH_MD1_WORDS * 4))
		return false;
	pkt->next_proto = (uint8_t)word[0];
	pkt->spi = word[1] >> 8;
	pkt->si = (uint8_t)word[1];
	pkt->inner = pkt->nsh + length;
	pkt->inner_len = readable - length;
	pkt->inner_size = size - ETHER_SIZE - length;
	return true;
}

static void
swap_addresses(uint8_t *ether)
{
	uint8_t to[6];

	memcpy(to, ether, 6);
	memcpy(ether, ether + 6, 6);
	memcpy(ether + 6, to, 6);
}

bool
vnf_service(uint8_t *data, uint32_t data_len, uint32_t size)
{
	struct vnf_pkt pkt = {
		.data = data,
		.inner = data,
		.data_len = data_len,
		.inner_len = data_len,
		.inner_size = size,
		.next_proto = VNF_NP_ETHERNET,
	};
	struct vnf_counter *drop = NULL;

	if (unlikely(data_len < ETHER_SIZE))
		drop = drop_malformed;
	else if ((data[12] << 8 | data[13]) == ETHER_TYPE_NSH && unlikely(!nsh_read(&pkt, size)))
		drop = drop_malformed;
	else if (unlikely(pkt.nsh && pkt.si == 0))
		drop = drop_si_zero;
	else if (vnf_packet(&pkt) == VNF_DROP)
		drop = drop_policy;
	if (drop) {
		vnf_count(drop, 1);
		return false;
	}
	if (pkt.nsh) {
		data[ETHER_SIZE + NSH_BASE_SIZE - 1] = (uint8_t)(pkt.si - 1);
		swap_addresses(data);
	}
	return true;
}
