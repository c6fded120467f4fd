/**
 * The driver side of one virtqueue, split or packed, as a guest keeps it, with every field open to be
 * spoiled. Included by the VM port's tests.
 */
#ifndef GUEST_RING_H
#define GUEST_RING_H

#include <linux/virtio_ring.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define GUEST_HEADER 12u

#define GUEST_PACKED_AVAIL (1u << VRING_PACKED_DESC_F_AVAIL)
#define GUEST_PACKED_USED  (1u << VRING_PACKED_DESC_F_USED)

struct guest_ring {
	bool packed;
	union {
		struct vring_desc *desc;
		struct vring_packed_desc *packed_desc;
	};
	union {
		struct vring_avail *avail;
		struct vring_packed_desc_event *driver_event;
	};
	union {
		struct vring_used *used;
		struct vring_packed_desc_event *device_event;
	};
	uint16_t size;
	uint16_t next_desc; /* descriptors are taken round and round */
	uint16_t last_used; /* split: used entries seen; packed: descriptors that came back */
	uint64_t guest;     /* guest address of buffers[0] */
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
guest_ring_init(
	struct guest_ring *r, bool packed, uint8_t *at, uint64_t guest, uint16_t size, uint32_t buffer_size)
{
	size_t used_at = ((size_t)size * 18 + 4 + 15) & ~(size_t)15;
	size_t buffers_at = (used_at + 4 + (size_t)size * 8 + 15) & ~(size_t)15;

	memset(r, 0, sizeof(*r));
	memset(at, 0, buffers_at);
	r->packed = packed;
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

/* The wrap counter of a descriptor's turn: 1 in the first. */
static inline bool
guest_wrap(const struct guest_ring *r, uint16_t index)
{
	return (index / r->size) % 2 == 0;
}

/* Where a back end begins or goes on, as SET_VRING_BASE says it. */
static inline uint16_t
guest_base(const struct guest_ring *r)
{
	return r->packed ? (uint16_t)(r->last_used % r->size | guest_wrap(r, r->last_used) << 15)
	                 : r->used->idx;
}

/* Write descriptor `index` of a chain that began at `head`; a packed one is offered by that. */
static inline void
guest_desc(struct guest_ring *r, uint16_t index, uint16_t head, uint32_t len, uint16_t flags)
{
	uint16_t i = index & (r->size - 1);
	uint64_t addr = r->guest + (uint64_t)i * r->buffer_size;

	if (r->packed) {
		flags |= (uint16_t)(guest_wrap(r, index) ? GUEST_PACKED_AVAIL : GUEST_PACKED_USED);
		/* The id of a chain is the place of its last descriptor. */
		r->packed_desc[i] = (struct vring_packed_desc){.addr = addr, .len = len, .id = i};
		__atomic_store_n(&r->packed_desc[i].flags, flags, __ATOMIC_RELEASE);
	} else {
		r->desc[i] = (struct vring_desc){
			.addr = addr, .len = len, .flags = flags, .next = (index + 1) & (r->size - 1)};
		if (index == head) {
			uint16_t idx = r->avail->idx;

			r->avail->ring[idx & (r->size - 1)] = i;
		}
	}
}

/* Show a chain to the back end. */
static inline void
guest_offer(struct guest_ring *r)
{
	if (!r->packed)
		__atomic_store_n(&r->avail->idx, (uint16_t)(r->avail->idx + 1), __ATOMIC_RELEASE);
}

/* Send a frame in as many buffers as it takes; the header is filled with garbage nobody may believe. */
static inline void
guest_send(struct guest_ring *r, const uint8_t *frame, uint32_t size)
{
	uint32_t total = GUEST_HEADER + size, count = (total + r->buffer_size - 1) / r->buffer_size;
	uint16_t head = r->next_desc;

	for (uint32_t at = 0; at < total; at++) {
		uint8_t *to = guest_buffer(r, (uint16_t)(head + at / r->buffer_size) & (r->size - 1));
		to[at % r->buffer_size] = at < GUEST_HEADER ? 0xee : frame[at - GUEST_HEADER];
	}
	r->next_desc = (uint16_t)(head + count);
	/* The first descriptor last: a packed chain is whole when it shows. */
	while (count-- > 0) {
		uint32_t part = total - count * r->buffer_size;
		bool last = part <= r->buffer_size;

		guest_desc(r, (uint16_t)(head + count), head, last ? part : r->buffer_size,
			last ? 0 : VRING_DESC_F_NEXT);
	}
	guest_offer(r);
}

/* Post n buffers to receive into. */
static inline void
guest_post(struct guest_ring *r, uint16_t n)
{
	while (n-- > 0) {
		guest_desc(r, r->next_desc, r->next_desc, r->buffer_size, VRING_DESC_F_WRITE);
		r->next_desc++;
		guest_offer(r);
	}
}

/* Ask for calls or not; what the back end asks for. */
static inline void
guest_call_me(struct guest_ring *r, bool on)
{
	if (r->packed)
		r->driver_event->flags =
			on ? VRING_PACKED_EVENT_FLAG_ENABLE : VRING_PACKED_EVENT_FLAG_DISABLE;
	else
		r->avail->flags = on ? 0 : VRING_AVAIL_F_NO_INTERRUPT;
}

static inline bool
guest_must_kick(const struct guest_ring *r)
{
	return r->packed ? r->device_event->flags != VRING_PACKED_EVENT_FLAG_DISABLE
	                 : (r->used->flags & VRING_USED_F_NO_NOTIFY) == 0;
}

static inline bool
guest_is_used(const struct guest_ring *r, uint16_t index)
{
	uint16_t flags = __atomic_load_n(&r->packed_desc[index & (r->size - 1)].flags, __ATOMIC_ACQUIRE);
	uint16_t mask = GUEST_PACKED_AVAIL | GUEST_PACKED_USED;

	return (flags & mask) == (guest_wrap(r, index) ? mask : 0);
}

/* The place behind the buffer that a used packed descriptor tells of. */
static inline uint16_t
guest_behind(const struct guest_ring *r, uint16_t index)
{
	uint16_t id = r->packed_desc[index & (r->size - 1)].id;

	return (uint16_t)(index + ((id - index) & (r->size - 1)) + 1);
}

/* Used entries that we have not seen yet. */
static inline uint16_t
guest_used(const struct guest_ring *r)
{
	uint16_t n = 0;

	if (!r->packed)
		return (uint16_t)(__atomic_load_n(&r->used->idx, __ATOMIC_ACQUIRE) - r->last_used);
	for (uint16_t i = r->last_used; i != r->next_desc && guest_is_used(r, i); i = guest_behind(r, i))
		n++;
	return n;
}

/* The next used entry: where its buffer begins, and its bytes. */
static inline uint16_t
guest_reap(struct guest_ring *r, uint32_t *len)
{
	if (r->packed) {
		uint16_t first = r->last_used & (r->size - 1);

		*len = r->packed_desc[first].len;
		r->last_used = guest_behind(r, r->last_used);
		return first;
	}
	const struct vring_used_elem *e = &r->used->ring[r->last_used++ & (r->size - 1)];

	*len = e->len;
	return (uint16_t)e->id;
}

/* Take one received frame; returns its size without header, or -1 when there is none. */
static inline int
guest_receive(struct guest_ring *r, uint8_t *frame)
{
	uint16_t buffers = 1;
	uint32_t size = 0, len;

	if (guest_used(r) == 0)
		return -1;
	for (uint16_t b = 0; b < buffers; b++) {
		const uint8_t *from = guest_buffer(r, guest_reap(r, &len));
		uint32_t skip = b == 0 ? GUEST_HEADER : 0;

		if (b == 0)
			memcpy(&buffers, from + 10, sizeof(buffers));
		memcpy(frame + size, from + skip, len - skip);
		size += len - skip;
	}
	return (int)size;
}

#endif
