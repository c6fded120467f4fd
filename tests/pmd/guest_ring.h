/**
 * The driver side of one split virtqueue, as a guest keeps it, with every field open to be spoiled. Included
 * by the VM port's tests and fuzz target.
 */
#ifndef GUEST_RING_H
#define GUEST_RING_H

#include <linux/virtio_ring.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define GUEST_HEADER 12u

struct guest_ring {
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	uint16_t size;
	uint16_t next_desc; /* descriptors are taken round and round */
	uint16_t last_used;
	uint64_t guest; /* guest address of buffers[0] */
	uint8_t *buffers;
	uint32_t buffer_size; /* one per descriptor */
};

/* Bytes of a ring with its buffers; a multiple of 4,096. */
static inline size_t
guest_ring_bytes(uint16_t size, uint32_t buffer_size)
{
	size_t bytes = (size_t)size * (16 + 2 + 8 + buffer_size) + 4 + 2 + 64;

	return (bytes + 4095) & ~(size_t)4095;
}

/* Lay a ring and its buffers out at host address `at`, which the guest sees at `guest`. */
static inline void
guest_ring_init(struct guest_ring *r, uint8_t *at, uint64_t guest, uint16_t size, uint32_t buffer_size)
{
	size_t used_at = ((size_t)size * 18 + 4 + 15) & ~(size_t)15;
	size_t buffers_at = (used_at + 4 + (size_t)size * 8 + 15) & ~(size_t)15;

	memset(r, 0, sizeof(*r));
	memset(at, 0, buffers_at);
	r->desc = (struct vring_desc *)at;
	r->avail = (struct vring_avail *)(at + (size_t)size * 16);
	r->used = (struct vring_used *)(at + used_at);
	r->size = size;
	r->buffers = at + buffers_at;
	r->guest = guest + buffers_at;
	r->buffer_size = buffer_size;
}

static inline uint8_t *
guest_buffer(const struct guest_ring *r, uint16_t index)
{
	return r->buffers + (size_t)index * r->buffer_size;
}

/* Offer the chain that begins at `head`. */
static inline void
guest_offer(struct guest_ring *r, uint16_t head)
{
	uint16_t idx = r->avail->idx;

	r->avail->ring[idx & (r->size - 1)] = head;
	__atomic_store_n(&r->avail->idx, (uint16_t)(idx + 1), __ATOMIC_RELEASE);
}

/* Send a frame in as many buffers as it takes; the header is filled with garbage nobody may believe. */
static inline void
guest_send(struct guest_ring *r, const uint8_t *frame, uint32_t size)
{
	uint16_t head = r->next_desc & (r->size - 1);
	uint32_t total = GUEST_HEADER + size, done = 0;

	while (done < total) {
		uint16_t i = r->next_desc++ & (r->size - 1);
		uint32_t part = total - done < r->buffer_size ? total - done : r->buffer_size;
		uint8_t *to = guest_buffer(r, i);
		for (uint32_t j = 0; j < part; j++)
			to[j] = done + j < GUEST_HEADER ? 0xee : frame[done + j - GUEST_HEADER];
		done += part;
		r->desc[i] = (struct vring_desc){
			.addr = r->guest + (uint64_t)i * r->buffer_size,
			.len = part,
			.flags = done < total ? VRING_DESC_F_NEXT : 0,
			.next = r->next_desc & (r->size - 1),
		};
	}
	guest_offer(r, head);
}

/* Post n buffers to receive into. */
static inline void
guest_post(struct guest_ring *r, uint16_t n)
{
	while (n-- > 0) {
		uint16_t i = r->next_desc++ & (r->size - 1);
		r->desc[i] = (struct vring_desc){
			.addr = r->guest + (uint64_t)i * r->buffer_size,
			.len = r->buffer_size,
			.flags = VRING_DESC_F_WRITE,
		};
		guest_offer(r, i);
	}
}

static inline uint16_t
guest_used(const struct guest_ring *r)
{
	return (uint16_t)(__atomic_load_n(&r->used->idx, __ATOMIC_ACQUIRE) - r->last_used);
}

/* Take one received frame; returns its size without header, or -1 when there is none. */
static inline int
guest_receive(struct guest_ring *r, uint8_t *frame)
{
	int size = -(int)GUEST_HEADER;

	if (guest_used(r) == 0)
		return -1;
	uint16_t first = r->used->ring[r->last_used & (r->size - 1)].id & (r->size - 1);
	uint16_t buffers;
	memcpy(&buffers, guest_buffer(r, first) + 10, sizeof(buffers));
	for (uint16_t b = 0; b < buffers; b++) {
		const struct vring_used_elem *e = &r->used->ring[r->last_used++ & (r->size - 1)];
		uint32_t skip = b == 0 ? GUEST_HEADER : 0;
		memcpy(frame + (size > 0 ? size : 0), guest_buffer(r, (uint16_t)e->id) + skip, e->len - skip);
		size += (int)e->len;
	}
	return size;
}

#endif
