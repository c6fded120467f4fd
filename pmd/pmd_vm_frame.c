#include "pmd_vm_frame.h"

#include <rte_memcpy.h>

uint8_t *
pmd_vm_host_far(struct pmd_vm_ring *ring, uint64_t guest, uint32_t size)
{
	for (uint32_t i = 0; i < ring->memory->count; i++) {
		uint8_t *host = pmd_vm_inside(&ring->memory->region[i], guest, size);

		if (host != NULL) {
			ring->near = (uint8_t)i;
			return host;
		}
	}
	return NULL;
}

enum pmd_vm_walk
pmd_vm_chain_add(struct pmd_vm_ring *ring, uint64_t addr, uint32_t size, uint16_t flags, uint16_t direction,
	uint64_t limit, struct pmd_vm_chain *chain)
{
	uint8_t *host = pmd_vm_host(ring, addr, size);

	if (host == NULL || size == 0 || (flags & (VRING_DESC_F_INDIRECT | VRING_DESC_F_WRITE)) != direction)
		return PMD_VM_WALK_BROKEN;
	if (chain->count == PMD_VM_SEGMENTS || size > limit - chain->bytes)
		return PMD_VM_WALK_LONG;
	chain->segment[chain->count++] = (struct pmd_vm_segment){.host = host, .size = size};
	chain->bytes += size;
	return PMD_VM_WALK_OK;
}

struct rte_mbuf *
pmd_vm_chain_in(const struct pmd_vm_chain *chain, struct rte_mempool *pool)
{
	struct rte_mbuf *first = rte_pktmbuf_alloc(pool);
	struct rte_mbuf *last = first;
	uint32_t skip = PMD_VM_HEADER;

	if (first == NULL)
		return NULL;
	for (uint32_t i = 0; i < chain->count; i++) {
		uint32_t passed = RTE_MIN(skip, chain->segment[i].size);
		const uint8_t *from = chain->segment[i].host + passed;
		uint32_t left = chain->segment[i].size - passed;

		skip -= passed;
		while (left > 0) {
			uint32_t part = RTE_MIN(left, (uint32_t)rte_pktmbuf_tailroom(last));
			if (part == 0) {
				struct rte_mbuf *next = rte_pktmbuf_alloc(pool);
				if (next == NULL) {
					rte_pktmbuf_free(first);
					return NULL;
				}
				last->next = next;
				last = next;
				first->nb_segs++;
				continue;
			}
			rte_memcpy(rte_pktmbuf_mtod_offset(last, uint8_t *, last->data_len), from, part);
			last->data_len = (uint16_t)(last->data_len + part);
			first->pkt_len += part;
			from += part;
			left -= part;
		}
	}
	return first;
}

void
pmd_vm_chain_out(const struct pmd_vm_chain *chain, uint16_t buffers, const struct rte_mbuf *m)
{
	/* struct virtio_net_hdr_v1: no offload, then num_buffers, little-endian. */
	const uint8_t header[PMD_VM_HEADER] = {[10] = (uint8_t)buffers, [11] = (uint8_t)(buffers >> 8)};
	const uint8_t *from = header;
	uint32_t left = sizeof(header);

	for (uint32_t i = 0; i < chain->count; i++) {
		uint8_t *to = chain->segment[i].host;
		uint32_t room = chain->segment[i].size;

		while (room > 0) {
			while (left == 0) {
				if (m == NULL)
					return;
				from = rte_pktmbuf_mtod(m, const uint8_t *);
				left = m->data_len;
				m = m->next;
			}
			uint32_t part = RTE_MIN(room, left);
			rte_memcpy(to, from, part);
			to += part;
			room -= part;
			from += part;
			left -= part;
		}
	}
}
