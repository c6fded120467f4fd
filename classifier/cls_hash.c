/* Flow hash: CRC32C of each end of the flow, put together so that both directions agree. */
#include "cls.h"

#include <nmmintrin.h>
#include <string.h>

/* One end: address, and port in network byte order. */
static inline uint64_t
hash_end(uint64_t seed, const uint8_t address[16], uint16_t port)
{
	uint64_t half[2];

	memcpy(half, address, sizeof(half));
	return _mm_crc32_u64(_mm_crc32_u64(_mm_crc32_u64(seed, half[0]), half[1]), port);
}

uint32_t
cls_hash(const struct cls_key *key, uint32_t seed)
{
	/* Only the first fragment has ports, so no fragment may be told by them (nor by the protocol, which
	 * IPv6 may hide from all but the first). */
	uint32_t with_ports = key->fragment != 0 ? 0 : UINT32_MAX;
	uint64_t a = hash_end(seed, key->source, (uint16_t)(key->source_port & with_ports));
	uint64_t b = hash_end(seed, key->destination, (uint16_t)(key->destination_port & with_ports));
	uint64_t low = a < b ? a : b;
	uint64_t high = a < b ? b : a;

	return (uint32_t)_mm_crc32_u64(key->protocol & with_ports, low | high << 32);
}
